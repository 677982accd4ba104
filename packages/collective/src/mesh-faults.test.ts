import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '@facet/shared';
import {
  createManualClock,
  createMeshFixture,
  inletWithFault,
  reduceOn,
  reduceOnAll,
  TRANSPORTS,
  type FrameFault,
  type MeshWorld,
} from '../test/mesh-world.js';
import type { Transport } from './exchange-client.js';
import type { FrameHeader } from './frame.js';
import type { Mesh } from './mesh.js';

const fixture = createMeshFixture();
const { startServers, openWorld, startProxy } = fixture;

afterEach(() => {
  fixture.close();
});

/** Two buckets, and chunks of two messages. */
const sizes = { length: 60_000, microBatches: 3 };
const WORLD = 3;
/** What rank 0 says when its deadline passes: which of its waits ends first is up to the machine. */
/** Each stage with the time that it is waited for. */
const LATE =
  /rank 0 \(worker-0\) waited (20000 ms for (the partial chunk of rank \d \(worker-\d\) in|rank \d \(worker-\d\) to take a (partial|reduced) chunk of)|30000 ms for the reduced chunk of rank \d \(worker-\d\) in) step \d, bucket \d/;
let expected: Buffer;

beforeAll(async () => {
  const { meshes } = await openWorld(await startServers(1), sizes);
  const [alone] = await Promise.all(reduceOnAll(meshes, 1, sizes));
  expected = Buffer.from(alone!.buffer);
});

const PHASES: Record<string, FrameFault['isPlace']> = {
  'the first partial sum': ({ kind }) => kind === 'partial',
  'the middle of a partial sum': ({ kind, bucket, offset }) => kind === 'partial' && bucket === 0 && offset > 0,
  'the first reduced chunk': ({ kind }) => kind === 'reduced',
  'the last reduced chunk': ({ kind, bucket }) => kind === 'reduced' && bucket === 1,
};
const CASES = TRANSPORTS.flatMap((transport) => Object.keys(PHASES).map((phase) => ({ transport, phase })));

/**
 * What every rank is told. A rank that has everything when another one meets a fault ends its step: it has what nobody will
 * compute again. The next step fails it too.
 */
async function errorsOf(meshes: readonly Mesh[], sizes: { length: number; microBatches: number }): Promise<Error[]> {
  const steps = reduceOnAll(meshes, 1, sizes).map(async (first, rank) => {
    await first;
    await reduceOn(meshes[rank]!, { step: 2, rank, worldSize: meshes.length }, sizes);
    throw new Error(`rank ${rank} has two sums, expected an error`);
  });
  const settled = await Promise.allSettled(steps);
  return settled.map((result) => (result as PromiseRejectedResult).reason as Error);
}

interface FaultyStep {
  readonly errors: readonly Error[];
  readonly world: MeshWorld;
  readonly servers: Awaited<ReturnType<typeof startServers>>;
}

interface FaultySetup {
  readonly transport: Transport;
  readonly phase: string;
  readonly effect: FrameFault['effect'];
  readonly onHit?: (servers: FaultyStep['servers']) => void;
  /** Default: this machine's, on which no deadline passes. */
  readonly clock?: Clock;
}

/** A step in which what rank 0 gets from rank 1 meets a fault. */
async function stepWith({ transport, phase, effect, onHit, clock = systemClock }: FaultySetup): Promise<FaultyStep> {
  const servers = await startServers(WORLD);
  const fault = { isPlace: PHASES[phase]!, effect, onHit: () => onHit?.(servers) };
  const world = await openWorld(servers, {
    ...sizes,
    transport,
    ofRank: (rank) => (rank === 0 ? { openInlet: inletWithFault('rank 1 ', fault), clock } : {}),
  });
  return { errors: await errorsOf(world.meshes, sizes), world, servers };
}

/** The next generation on the same servers reduces as if nothing had been. */
async function expectCleanGeneration({ servers, world }: FaultyStep, transport: Transport) {
  for (const mesh of world.meshes) mesh.close();
  const next = await openWorld(servers, { ...sizes, transport, generation: 2 });
  for (const result of await Promise.all(reduceOnAll(next.meshes, 1, sizes)))
    expect(Buffer.from(result.buffer).equals(expected)).toBe(true);
}

describe('a fault of one connection is one error on every rank, told by the rank that met it', () => {
  it.each(CASES)('over $transport, when bits change in $phase', async (where) => {
    const step = await stepWith({ ...where, effect: 'corrupt' });
    const met = /rank 0 \(worker-0\) got a frame from rank 1 \(worker-1\) with checksum .* \(step 1, bucket \d\)/;
    expect(step.errors[0]).toMatchObject({ code: 'FRAME_INVALID' });
    expect(step.errors[0]!.message).toMatch(met);
    for (const { message } of step.errors.slice(1)) expect(message).toMatch(met);
    await expectCleanGeneration(step, where.transport);
  });

  it.each(CASES)('over $transport, when nothing comes any more from $phase on', async (where) => {
    const clock = createManualClock();
    const step = await stepWith({ ...where, effect: 'freeze', onHit: () => setImmediate(clock.expire), clock });
    expect(step.errors[0]).toMatchObject({ code: 'STEP_TIMEOUT' });
    for (const { message } of step.errors) expect(message).toMatch(LATE);
    await expectCleanGeneration(step, where.transport);
  });

  it.each(CASES)('over $transport, when the peer is gone in $phase', async (where) => {
    const { errors, world } = await stepWith({
      ...where,
      effect: 'none',
      onHit: (servers) => {
        servers[1]!.close();
      },
    });
    for (const rank of [0, 2]) {
      expect(errors[rank]).toMatchObject({ code: 'PEER_UNAVAILABLE' });
      expect(errors[rank]!.message).toMatch(/lost rank 1 \(worker-1\) at 127\.0\.0\.1:\d+ in generation 1/);
      expect(world.failures.filter((failure) => failure.rank === rank)).toHaveLength(1);
    }
  });
});

describe('in groups of two, a fault of one connection', () => {
  const inGroups = { ...sizes, microBatches: 7, groupSize: 2 };
  const WORLD_OF_GROUPS = 6;
  const kinds = ['partial', 'group-partial', 'group-reduced', 'reduced'] as const;

  it.each(kinds)('in a %s frame reaches ranks that are not connected to it', async (kind) => {
    const servers = await startServers(WORLD_OF_GROUPS);
    const from = kind.startsWith('group') ? 2 : 1;
    const fault = { isPlace: (header: FrameHeader) => header.kind === kind, effect: 'corrupt' } as const;
    const { meshes } = await openWorld(servers, {
      ...inGroups,
      ofRank: (rank) => (rank === 0 ? { openInlet: inletWithFault(`rank ${from} `, fault) } : {}),
    });
    const errors = await errorsOf(meshes, inGroups);
    for (const { message } of errors) {
      expect(message).toContain(`rank 0 (worker-0) got a frame from rank ${from} (worker-${from}) with checksum`);
    }
  });

  it('that is gone fails everybody else, who may know it only by others', async () => {
    const servers = await startServers(WORLD_OF_GROUPS);
    const { meshes } = await openWorld(servers, inGroups);
    const failing = errorsOf(meshes, inGroups);
    servers[1]!.close();
    const errors = await failing;
    for (const rank of [0, 2, 3, 4, 5]) {
      expect(errors[rank]).toMatchObject({ code: 'PEER_UNAVAILABLE' });
      expect(errors[rank]!.message).toContain('lost rank 1 (worker-1)');
    }
  });
});

describe('a bad network', () => {
  it.each(TRANSPORTS)('that is cut over %s fails the step on the survivor, naming the peer', async (transport) => {
    const { world, proxy } = await openThroughProxy(transport);
    const waiting = errorsOf(world.meshes, small);
    proxy.cut();
    const [error] = await waiting;
    expect(error).toMatchObject({ code: 'PEER_UNAVAILABLE' });
    expect(error!.message).toMatch(/rank 0 \(worker-0\) lost rank 1 \(worker-1\) at 127\.0\.0\.1:\d+ in generation 1/);
    expect(world.failures.find((failure) => failure.rank === 0)!.peer.workerId).toBe('worker-1');
  });

  it.each(['tcp', 'grpc'] as const)('that stops moving over %s fails both ranks at the deadline', async (transport) => {
    const clock = createManualClock();
    const { world, proxy } = await openThroughProxy(transport, clock);
    proxy.freeze();
    const errors = errorsOf(world.meshes, small);
    setImmediate(clock.expire);
    for (const { message } of await errors) expect(message).toMatch(LATE);
  });

  it('that changes bits over tcp is noticed, and the error says whose they were', async () => {
    const { world, proxy } = await openThroughProxy('tcp');
    proxy.corrupt();
    const [error] = await errorsOf(world.meshes, small);
    expect(error).toMatchObject({ code: 'FRAME_INVALID' });
    expect(error!.message).toMatch(/rank 0 \(worker-0\) got a frame from rank 1 \(worker-1\) with checksum/);
  });
});

const small = { length: 200_000, microBatches: 2 };

/** Two ranks; what rank 0 pulls from rank 1 goes through a proxy, unless it travels on a Unix socket. */
async function openThroughProxy(transport: Transport, clock: Clock = systemClock) {
  const servers = await startServers(2);
  const proxy = await startProxy(servers[1]!.port);
  const world = await openWorld(servers, {
    ...small,
    transport,
    ofRank: (rank) => ({
      ...(rank === 0 ? { clock } : {}),
      peers: servers.map(({ port }, of) => ({
        rank: of,
        workerId: `worker-${of}`,
        address: `127.0.0.1:${rank === 0 && of === 1 ? proxy.port : port}`,
      })),
    }),
  });
  return { world, proxy };
}
