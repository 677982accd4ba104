import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitCosts, groupSizes, predictAllReduce, type AllReduceShape, type Cluster } from './cost-model.js';

const COSTS = { perByte: 2e-9, perMessage: 1e-4, perAddedByte: 1e-10 };
const MIB = 1024 * 1024;
const SHAPE: AllReduceShape = { bytes: 32e6, bucketBytes: 4 * MIB, messageBytes: MIB, groupSize: 16 };
const CLUSTER: Cluster = { ranks: 16, ranksPerHost: 4, coresPerHost: 4, linkBytesPerSecond: 1e9, hopSeconds: 1e-4 };

describe('the cost model', () => {
  it('counts what ADR 11 says: the same bytes in groups, fewer of them to other hosts, to fewer ranks', () => {
    const direct = predictAllReduce(SHAPE, CLUSTER, COSTS);
    const grouped = predictAllReduce({ ...SHAPE, groupSize: 4 }, CLUSTER, COSTS);
    expect(direct).toMatchObject({ peers: 15, bytesSent: 60e6, bytesToOtherHosts: 48e6 });
    expect(grouped).toMatchObject({ peers: 6, bytesSent: 60e6, bytesToOtherHosts: 12e6 });
    expect(direct.hopSeconds).toBeCloseTo(2e-4, 12);
    expect(grouped.hopSeconds).toBeCloseTo(4e-4, 12);
    expect(grouped.linkSeconds).toBeCloseTo((12e6 * 4) / 1e9, 12);
  });

  it('costs nothing in a world of one, and no link within a host', () => {
    expect(predictAllReduce({ ...SHAPE, groupSize: 1 }, { ...CLUSTER, ranks: 1 }, COSTS).seconds).toBe(0);
    expect(predictAllReduce({ ...SHAPE, groupSize: 4 }, { ...CLUSTER, ranks: 4 }, COSTS).linkSeconds).toBe(0);
  });

  it('never gains by a slower link, slower cores, a slower hop or a larger gradient', () => {
    const factor = fc.double({ min: 1, max: 10, noNaN: true });
    const world = fc
      .integer({ min: 1, max: 6 })
      .chain((power) =>
        fc.constantFrom(...groupSizes(2 ** power)).map((groupSize) => ({ ranks: 2 ** power, groupSize })),
      );
    fc.assert(
      fc.property(world, factor, fc.constantFrom('link', 'cores', 'hop', 'bytes'), ({ ranks, groupSize }, by, what) => {
        const shape = { ...SHAPE, groupSize };
        const cluster = { ...CLUSTER, ranks };
        const before = predictAllReduce(shape, cluster, COSTS).seconds;
        const after = predictAllReduce(
          what === 'bytes' ? { ...shape, bytes: Math.ceil((shape.bytes * by) / 4) * 4 } : shape,
          {
            ...cluster,
            ...(what === 'link' ? { linkBytesPerSecond: cluster.linkBytesPerSecond / by } : {}),
            ...(what === 'hop' ? { hopSeconds: cluster.hopSeconds * by } : {}),
          },
          what === 'cores' ? { ...COSTS, perByte: COSTS.perByte * by } : COSTS,
        ).seconds;
        expect(after).toBeGreaterThanOrEqual(before * (1 - 1e-9));
      }),
    );
  });

  it('is fitted by two measurements of two ranks', () => {
    const pair = { ...CLUSTER, ranks: 2, ranksPerHost: 2, coresPerHost: 2, hopSeconds: 0 };
    const measure = (bytes: number): { bytes: number; seconds: number } => ({
      bytes,
      seconds: predictAllReduce({ ...SHAPE, bytes, groupSize: 2 }, pair, COSTS).seconds,
    });
    const cut = { bucketBytes: SHAPE.bucketBytes, messageBytes: MIB };
    const fitted = fitCosts(measure(100_000), measure(25e6), { ...cut, perAddedByte: COSTS.perAddedByte });
    expect(fitted.perByte).toBeCloseTo(COSTS.perByte, 14);
    expect(fitted.perMessage).toBeCloseTo(COSTS.perMessage, 10);
    expect(() => fitCosts(measure(MIB), measure(2 * MIB), { ...cut, perAddedByte: 0 })).toThrow(
      'two sizes whose bytes per message differ more are needed, got 1048576 bytes in 1 messages and 2097152 in 2',
    );
  });
});
