import { describe, expect, it, vi } from 'vitest';
import fc from 'fast-check';
import {
  evenSplit,
  GRADIENT_FORMATS,
  rangeOfRank,
  splitByShares,
  TrainingError,
  type GradientFormatName,
} from '@facet/shared';
import { createAllReduce, type AllReduce, type AllReduceOptions } from './all-reduce.js';
import { gradientFormat } from './formats/gradient-format.js';
import { deliver, FRAME_HEADER_BYTES, wholeFrame } from './frame.js';
import { createPartialSums } from './partial-sums.js';
import { MEASURED_COSTS, predictAllReduce } from './schedule/cost-model.js';
import { isIdle, type PartialSum } from './schedule/reduction-tree.js';

const PLAIN = gradientFormat({ name: 'fp32', exactFrom: 0, seed: 1 });

/** Values whose sum depends on the order in which they are added. */
function gradientsOf(microBatches: number, length: number, seed: number): Float32Array[] {
  return Array.from({ length: microBatches }, (_, k) =>
    Float32Array.from({ length }, (_, i) => Math.sin(seed + k * 131 + i * 7) * 10 ** ((k * 5 + i) % 7)),
  );
}

const TIMEOUT_MS = 5_000;

interface World {
  readonly ranks: AllReduce[];
  reduce(step: number, gradients: Float32Array[]): Promise<Float32Array[]>;
}

type Cut = 'split' | 'bucketBytes' | 'messageBytes' | 'groupSize' | 'replicatedBytes' | 'onFailed';

interface WorldOptions extends Partial<Pick<AllReduceOptions, Cut>> {
  readonly worldSize: number;
  readonly length: number;
  readonly microBatches: number;
  readonly format?: GradientFormatName;
  readonly onSent?: (from: number, to: number, bytes: number) => void;
  /** Whether what a rank sends arrives. Default: always. */
  readonly isCarried?: (from: number) => boolean;
}

/** Ranks that talk to each other in memory, each message after a tick of its own. */
function createWorld({ format = 'fp32', ...options }: WorldOptions): World {
  const { worldSize, length, microBatches, split = evenSplit(worldSize) } = options;
  const ranks: AllReduce[] = [];
  for (let rank = 0; rank < worldSize; rank++) {
    ranks.push(
      createAllReduce({
        bucketBytes: 1024,
        ...options,
        run: 1,
        generation: 1,
        rank,
        format: gradientFormat({ name: format, exactFrom: length - 4, seed: 7 }),
        timeoutMs: TIMEOUT_MS,
        firstStep: 1,
        microBatches: () => microBatches,
        nameOf: (of) => `rank ${of}`,
        send: async (to, header, values) => {
          await Promise.resolve();
          options.onSent?.(rank, to, values.length);
          if (options.isCarried?.(rank) ?? true) deliver(wholeFrame(header, values), ranks[to]!.inlet(rank));
        },
      }),
    );
  }
  const sums = ranks.map((allReduce) => createPartialSums({ length, format: allReduce.format }));
  return {
    ranks,
    reduce: (step, gradients) =>
      Promise.all(
        ranks.map(async (allReduce, rank) => {
          const range = rangeOfRank(microBatches, split, rank);
          sums[rank]!.begin(step, range, microBatches);
          for (let k = range.start; k < range.end; k++) {
            const done = await sums[rank]!.add(k, gradients[k]!);
            // Some go ahead, some do not.
            if (done !== undefined && (k + step) % 2 === 0) allReduce.contribute(step, done);
          }
          const output = new Float32Array(length).fill(Number.NaN);
          await allReduce.reduce(step, await sums[rank]!.finish(), output);
          return output;
        }),
      ),
  };
}

describe('the all-reduce', () => {
  const claim = 'gives every world the bits of one rank, for any groups, split, length, bucket size and format';
  it(claim, { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          groupSize: fc.integer({ min: 1, max: 4 }),
          groups: fc.integer({ min: 1, max: 3 }),
          /** Of each rank, or none for an even split. */
          shares: fc.option(fc.array(fc.nat(6), { minLength: 12, maxLength: 12 }), { nil: undefined }),
          microBatches: fc.integer({ min: 1, max: 19 }),
          length: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 1_200 })),
          bucketBytes: fc.integer({ min: 4, max: 4_000 }),
          messageBytes: fc.integer({ min: 200, max: 4_000 }),
          replicatedBytes: fc.constantFrom(0, 0, 1_000),
          format: fc.constantFrom(...GRADIENT_FORMATS),
          seed: fc.nat(1000),
        }),
        async ({ seed, groups, shares, ...options }) => {
          const gradients = gradientsOf(options.microBatches, options.length, seed);
          const alone = createWorld({ ...options, worldSize: 1, groupSize: 1, bucketBytes: 1 << 20 });
          const worldSize = groups * options.groupSize;
          // The last one has something to do.
          const split = shares && splitByShares(shares.slice(0, worldSize).with(-1, 1));
          const world = createWorld({ ...options, worldSize, ...(split && { split }) });
          for (const step of [1, 2]) {
            const [expected] = await alone.reduce(step, gradients);
            for (const result of await world.reduce(step, gradients)) expect(result).toEqual(expected);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  it('sends to fewer ranks in groups, as many bytes, and a group size fewer of them to other groups', async () => {
    const sizes = { worldSize: 12, length: 48_000, microBatches: 24, bucketBytes: 1 << 20 };
    const gradients = gradientsOf(24, sizes.length, 1);
    const isOtherGroup = (from: number, to: number): boolean => Math.floor(from / 4) !== Math.floor(to / 4);
    const crossing = { flat: 0, grouped: 0 };
    const count =
      (name: keyof typeof crossing): NonNullable<WorldOptions['onSent']> =>
      (from, to, bytes) => {
        if (isOtherGroup(from, to)) crossing[name] += bytes;
      };
    const flat = createWorld({ ...sizes, onSent: count('flat') });
    const grouped = createWorld({ ...sizes, groupSize: 4, onSent: count('grouped') });
    await flat.reduce(1, gradients);
    await grouped.reduce(1, gradients);
    expect(crossing.flat / crossing.grouped).toBeCloseTo(4, 1);
    expect(flat.ranks[5]!.peers).toHaveLength(11);
    expect(grouped.ranks[5]!.peers).toEqual([4, 6, 7, 1, 9]);
    expect(grouped.ranks[5]!.bytesSent / flat.ranks[5]!.bytesSent).toBeCloseTo(1, 1);
  });

  it.each([8, 4, 2, 1])('sends what the cost model counts, in groups of %i', async (groupSize) => {
    const sizes = {
      worldSize: 8,
      length: 40_000,
      microBatches: 8,
      bucketBytes: 80_000,
      messageBytes: 4_000,
      groupSize,
    };
    const world = createWorld(sizes);
    await world.reduce(1, gradientsOf(8, sizes.length, 1));
    const shape = { ...sizes, bytes: 4 * sizes.length };
    const cluster = { ranks: 8, ranksPerHost: 1, coresPerHost: 1, linkBytesPerSecond: 1, hopSeconds: 0 };
    const { bytesSent, messages, peers } = predictAllReduce(shape, cluster, MEASURED_COSTS);
    expect(world.ranks[0]!.peers).toHaveLength(peers);
    expect(world.ranks[0]!.bytesSent).toBe(bytesSent + messages * FRAME_HEADER_BYTES);
  });

  it.each(GRADIENT_FORMATS)('adds the last elements, which count samples, exactly as %s', async (format) => {
    const length = 600;
    const gradients = Array.from({ length: 6 }, (_, k) => Float32Array.from({ length }, (_, i) => 4_099 * (k + i)));
    const results = await createWorld({ worldSize: 3, length, microBatches: 6, format }).reduce(1, gradients);
    const expected = Array.from({ length: 4 }, (_, i) => 4_099 * (15 + 6 * (length - 4 + i)));
    for (const result of results) expect([...result.subarray(-4)]).toEqual(expected);
  });

  it('sends fewer bytes in a shorter format', async () => {
    const bytesOf = async (format: GradientFormatName): Promise<number> => {
      const world = createWorld({ worldSize: 4, length: 40_004, microBatches: 4, bucketBytes: 1 << 20, format });
      await world.reduce(1, gradientsOf(4, 40_004, 1));
      return world.ranks[0]!.bytesSent;
    };
    const plain = await bytesOf('fp32');
    expect((await bytesOf('bf16')) / plain).toBeCloseTo(1 / 2, 2);
    expect((await bytesOf('fp16')) / plain).toBeCloseTo(1 / 2, 2);
    expect((await bytesOf('int8')) / plain).toBeCloseTo(257 / 1024, 2);
  });

  it('has the part that is done with its owner while the rest is computed', async () => {
    const [first, second] = createWorld({ worldSize: 2, length: 8, microBatches: 6 }).ranks;
    const own = createPartialSums({ length: 8, format: PLAIN });
    const peers = createPartialSums({ length: 8, format: PLAIN });
    own.begin(1, { start: 0, end: 3 }, 6);
    expect(await own.add(0, new Float32Array(8).fill(1))).toBeUndefined();
    const done = await own.add(1, new Float32Array(8).fill(2));
    expect(done?.subtree).toEqual({ level: 1, index: 0 });
    first!.contribute(1, done!);
    await new Promise((resolve) => setImmediate(resolve));
    expect(second!.bytesReceived).toBeGreaterThan(8 * Float32Array.BYTES_PER_ELEMENT);
    const before = first!.bytesSent;

    await own.add(2, new Float32Array(8).fill(3));
    peers.begin(1, { start: 3, end: 6 }, 6);
    for (const index of [3, 4, 5]) await peers.add(index, new Float32Array(8).fill(index + 1));
    const outputs = [new Float32Array(8), new Float32Array(8)];
    const contributions = [await own.finish(), await peers.finish()] as const;
    await Promise.all([
      first!.reduce(1, contributions[0], outputs[0]!),
      second!.reduce(1, contributions[1], outputs[1]!),
    ]);
    for (const output of outputs) expect(output).toEqual(new Float32Array(8).fill(21));
    // It is not sent again.
    expect(first!.bytesSent - before).toBe(before);
  });

  it('keeps a rank without micro-batches in step: nobody runs ahead of it by more than one', async () => {
    const { ranks } = createWorld({ worldSize: 2, length: 8, microBatches: 1 });
    const gradient = { subtree: { level: 0, index: 0 }, values: new Float32Array(8).fill(1) };
    const steps = async (allReduce: AllReduce, partials: readonly PartialSum[]): Promise<Float32Array> => {
      const output = new Float32Array(8);
      for (const step of [1, 2, 3, 4]) await allReduce.reduce(step, partials, output);
      return output;
    };
    const busy = isIdle(1, evenSplit(2), 0) ? 1 : 0;
    const ahead = steps(ranks[busy]!, [gradient]);
    // As long as it takes for four steps.
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    const behind = steps(ranks[1 - busy]!, []);
    expect(await behind).toEqual(gradient.values);
    expect(await ahead).toEqual(gradient.values);
  });

  it('fails the step when a part that was sent ahead does not get through', async () => {
    const [first] = createWorld({ worldSize: 2, length: 8, microBatches: 6 }).ranks;
    const alone = createAllReduce({
      run: 1,
      generation: 1,
      rank: 0,
      worldSize: 2,
      length: 8,
      format: PLAIN,
      bucketBytes: 1024,
      timeoutMs: 5_000,
      firstStep: 1,
      microBatches: () => 6,
      nameOf: (of) => `rank ${of}`,
      send: () => Promise.reject(new TrainingError('PEER_UNAVAILABLE', 'the peer stopped pulling')),
    });
    const partial = { subtree: { level: 1, index: 0 }, values: new Float32Array(8) };
    alone.contribute(1, partial);
    await expect(alone.reduce(1, [partial], new Float32Array(8))).rejects.toThrow(
      'rank 0 cannot send a partial chunk of step 1, bucket 0 to rank 1: the peer stopped pulling',
    );
    expect(() => {
      first!.contribute(2, partial);
    }).toThrow('rank 0 was asked to reduce step 2, but step 1 is next');
  });

  it('fails every call once a peer is lost, with the first reason', async () => {
    const [first] = createWorld({ worldSize: 2, length: 8, microBatches: 4 }).ranks;
    const waiting = first!.reduce(1, [], new Float32Array(8));
    first!.fail(new TrainingError('PEER_UNAVAILABLE', 'rank 1 is gone'));
    first!.fail(new TrainingError('STALE', 'later'));
    await expect(waiting).rejects.toThrow('rank 1 is gone');
    await expect(first!.reduce(1, [], new Float32Array(8))).rejects.toThrow('rank 1 is gone');
  });

  it('names rank, peer, step and bucket when a peer stays silent', async () => {
    const silent = createAllReduce({
      run: 1,
      generation: 1,
      rank: 0,
      worldSize: 2,
      length: 8,
      format: PLAIN,
      bucketBytes: 1024,
      timeoutMs: 20,
      firstStep: 5,
      microBatches: () => 2,
      nameOf: (of) => `rank ${of}`,
      send: () => Promise.resolve(),
    });
    const partial = { subtree: { level: 0, index: 0 }, values: new Float32Array(8) };
    await expect(silent.reduce(5, [partial], new Float32Array(8))).rejects.toThrow(
      /rank 0 waited 20 ms for the (partial|reduced) chunk of rank 1 in step 5, bucket 0/,
    );
  });

  it('names the rank that is late, and not one of another group that waits for it', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      const failures: string[] = [];
      const microBatches = 4;
      // Rank 3 says nothing.
      const { ranks } = createWorld({
        worldSize: 4,
        groupSize: 2,
        length: 8,
        microBatches,
        replicatedBytes: 0,
        isCarried: (from) => from !== 3,
        onFailed: (error) => failures.push(error.message),
      });
      const begin = (rank: number): void => {
        const partial = { subtree: { level: 0, index: rank }, values: new Float32Array(8) };
        ranks[rank]!.reduce(1, [partial], new Float32Array(8)).catch(() => undefined);
      };
      for (const rank of [0, 1, 3]) begin(rank);
      await vi.advanceTimersByTimeAsync(TIMEOUT_MS / 4);
      begin(2);
      await vi.advanceTimersByTimeAsync(3 * TIMEOUT_MS);
      expect(failures[0]).toMatch(/^rank 2 waited 5000 ms for the partial chunk of rank 3 in step 1/);
    } finally {
      vi.useRealTimers();
    }
  });

  it('does not wait forever for a peer that sends but does not read', async () => {
    const ranks: AllReduce[] = [];
    for (const rank of [0, 1]) {
      ranks.push(
        createAllReduce({
          run: 1,
          generation: 1,
          rank,
          worldSize: 2,
          length: 8,
          format: PLAIN,
          bucketBytes: 1024,
          timeoutMs: 20,
          firstStep: 5,
          microBatches: () => 2,
          nameOf: (of) => `rank ${of}`,
          send: (to, header, values) => {
            if (rank === 0) return new Promise(() => undefined);
            deliver(wholeFrame(header, values), ranks[to]!.inlet(rank));
            return Promise.resolve();
          },
        }),
      );
    }
    const partial = (index: number) => [{ subtree: { level: 0, index }, values: new Float32Array(8) }];
    const stuck = ranks[0]!.reduce(5, partial(0), new Float32Array(8));
    ranks[1]!.reduce(5, partial(1), new Float32Array(8)).catch(() => undefined);
    await expect(stuck).rejects.toThrow('rank 0 waited 20 ms for rank 1 to take a partial chunk of step 5, bucket 0');
  });

  it('refuses a damaged frame, a frame of another generation, and one that came before', async () => {
    const frames: Buffer[] = [];
    let onSent = (): void => undefined;
    const options = {
      run: 1,
      rank: 1,
      worldSize: 2,
      length: 8,
      format: PLAIN,
      bucketBytes: 1024,
      timeoutMs: 1_000,
      firstStep: 1,
      microBatches: () => 2,
      nameOf: (of: number) => `rank ${of}`,
    };
    const sender = createAllReduce({
      ...options,
      generation: 1,
      send: (_to, header, values) => {
        frames.push(wholeFrame(header, values));
        onSent();
        return Promise.resolve();
      },
    });
    const sent = new Promise<void>((resolve) => (onSent = resolve));
    sender
      .reduce(1, [{ subtree: { level: 0, index: 1 }, values: new Float32Array(8).fill(1) }], new Float32Array(8))
      .catch(() => undefined);
    await sent;
    const receiver = (generation: number): AllReduce =>
      createAllReduce({ ...options, rank: 0, generation, send: () => Promise.resolve() });

    const damaged = Buffer.from(frames[0]!);
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1);
    const first = receiver(1);
    deliver(damaged, first.inlet(1));
    await expect(first.reduce(1, [], new Float32Array(8))).rejects.toThrow(/checksum/);

    const second = receiver(2);
    deliver(frames[0]!, second.inlet(1));
    await expect(second.reduce(1, [], new Float32Array(8))).rejects.toThrow('generation 1, expected 2');

    const third = receiver(1);
    deliver(frames[0]!, third.inlet(1));
    deliver(frames[0]!, third.inlet(1));
    await expect(third.reduce(1, [], new Float32Array(8))).rejects.toThrow('values from 0, expected 8');

    const short = receiver(1);
    deliver(frames[0]!.subarray(0, -1), short.inlet(1));
    await expect(short.reduce(1, [], new Float32Array(8))).rejects.toThrow('bytes of values 31, expected 32');
    sender.fail(new TrainingError('CANCELLED', 'test over'));
  });
});
