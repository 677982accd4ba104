import { createServer, connect, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { rangeOfRank, stateCrc, type TrainingError } from '@facet/shared';
import { pullState } from './exchange-client.js';
import { startExchangeServer, type ExchangeServer, type StateSnapshot } from './exchange-server.js';
import { openMesh, type Mesh, type MeshPeer } from './mesh.js';
import { createPartialSums } from './partial-sums.js';

const RUN = 'mesh-test';
const open: { close(): void }[] = [];

afterEach(() => {
  for (const resource of open.splice(0).reverse()) resource.close();
});

async function startServers(count: number, snapshot: (step: number) => StateSnapshot | undefined = () => undefined) {
  const servers = await Promise.all(
    Array.from({ length: count }, () => startExchangeServer({ host: '127.0.0.1', run: () => RUN, snapshot })),
  );
  open.push(...servers);
  return servers;
}

interface WorldOptions {
  readonly length: number;
  readonly microBatches: number;
  readonly timeoutMs?: number;
  readonly addressOf?: (rank: number) => string;
}

async function openWorld(servers: readonly ExchangeServer[], options: WorldOptions) {
  const addressOf = options.addressOf ?? ((rank: number) => `127.0.0.1:${servers[rank]!.port}`);
  const failures: { rank: number; error: TrainingError; peer: MeshPeer }[] = [];
  const meshes = await Promise.all(
    servers.map((server, rank) =>
      openMesh({
        server,
        run: RUN,
        generation: 1,
        rank,
        peers: servers.map((_, of) => ({ rank: of, workerId: `worker-${of}`, address: addressOf(of) })),
        length: options.length,
        bucketBytes: 64 * 1024,
        timeoutMs: options.timeoutMs ?? 5_000,
        firstStep: 1,
        microBatches: () => options.microBatches,
        onFailure: (error, peer) => failures.push({ rank, error, peer }),
        signal: new AbortController().signal,
      }),
    ),
  );
  open.push(...meshes);
  return { meshes, failures };
}

function contribution(rank: number, worldSize: number, microBatches: number, length: number) {
  const sums = createPartialSums(length);
  sums.begin(microBatches);
  const { start, end } = rangeOfRank(microBatches, worldSize, rank);
  for (let k = start; k < end; k++)
    sums.add(
      k,
      Float32Array.from({ length }, (_, i) => Math.sin(k * 17 + i)),
    );
  return sums.finish();
}

const reduce = (mesh: Mesh, step: number, rank: number, worldSize: number, microBatches: number, length: number) => {
  const output = new Float32Array(length);
  return mesh.allReduce.reduce(step, contribution(rank, worldSize, microBatches, length), output).then(() => output);
};

describe('the mesh', () => {
  it('reduces over real gRPC to the bits of a single rank, in several messages and buckets', async () => {
    const [length, microBatches] = [300_000, 5];
    const alone = await openWorld(await startServers(1), { length, microBatches });
    const expected = await reduce(alone.meshes[0]!, 1, 0, 1, microBatches, length);
    for (const worldSize of [2, 3]) {
      const { meshes } = await openWorld(await startServers(worldSize), { length, microBatches });
      for (const step of [1, 2, 3]) {
        const results = await Promise.all(
          meshes.map((mesh, rank) => reduce(mesh, step, rank, worldSize, microBatches, length)),
        );
        for (const result of results)
          expect(Buffer.from(result.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
      }
      expect(meshes[0]!.allReduce.bytesSent).toBeGreaterThan(3 * length * 4);
    }
  });

  it('fails the step on the survivor, naming the peer, when its connection is cut', async () => {
    const servers = await startServers(2);
    const proxy = await startProxy(servers[1]!.port);
    const { meshes, failures } = await openWorld(servers, {
      length: 64,
      microBatches: 2,
      addressOf: (rank) => `127.0.0.1:${rank === 1 ? proxy.port : servers[0]!.port}`,
    });
    const waiting = reduce(meshes[0]!, 1, 0, 2, 2, 64);
    proxy.cut();
    await expect(waiting).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
    await expect(waiting).rejects.toThrow(
      /rank 0 \(worker-0\) lost rank 1 \(worker-1\) at 127\.0\.0\.1:\d+ in generation 1/,
    );
    expect(failures.find((failure) => failure.rank === 0)!.peer.workerId).toBe('worker-1');
  });

  it('says which peer does not answer when the world cannot be formed', async () => {
    const servers = await startServers(2);
    const [first] = servers;
    const gone = servers[1]!.port;
    servers[1]!.close();
    const mesh = openMesh({
      server: first!,
      run: RUN,
      generation: 1,
      rank: 0,
      peers: [
        { rank: 0, workerId: 'worker-0', address: `127.0.0.1:${first!.port}` },
        { rank: 1, workerId: 'worker-1', address: `127.0.0.1:${gone}` },
      ],
      length: 8,
      bucketBytes: 4096,
      timeoutMs: 2_000,
      firstStep: 1,
      microBatches: () => 2,
      onFailure: () => undefined,
      signal: new AbortController().signal,
    });
    await expect(mesh).rejects.toThrow(/cannot pull from rank 1 \(worker-1\) at 127\.0\.0\.1/);
  });

  it('refuses pulls of another run and of a generation that is over', async () => {
    const [server, other] = await startServers(2);
    server!.closeThrough(4);
    const attempt = (run: string, generation: number) =>
      openMesh({
        server: other!,
        run,
        generation,
        rank: 1,
        peers: [
          { rank: 0, workerId: 'worker-0', address: `127.0.0.1:${server!.port}` },
          { rank: 1, workerId: 'worker-1', address: `127.0.0.1:${other!.port}` },
        ],
        length: 8,
        bucketBytes: 4096,
        timeoutMs: 2_000,
        firstStep: 1,
        microBatches: () => 2,
        onFailure: () => undefined,
        signal: new AbortController().signal,
      });
    await expect(attempt(RUN, 4)).rejects.toThrow(/generation 4 is over, 5 or later is next/);
    await expect(attempt('another', 5)).rejects.toThrow(/run another was asked for, this worker trains mesh-test/);
  });
});

describe('pulling a state', () => {
  const parameters = 700_001;
  const state: StateSnapshot = (() => {
    const part = (k: number) => Float32Array.from({ length: parameters }, (_, i) => Math.cos(i * k));
    const weights = part(1);
    return { step: 9, weightsCrc: stateCrc({ weights }), weights, m: part(2), v: part(3) };
  })();
  const empty = () => ({
    weights: new Float32Array(parameters),
    m: new Float32Array(parameters),
    v: new Float32Array(parameters),
  });
  const options = { run: RUN, step: 9, timeoutMs: 5_000, signal: new AbortController().signal };

  it('brings weights and moments over bit by bit', async () => {
    const [server] = await startServers(1, (step) => (step === 9 ? state : undefined));
    const target = empty();
    await pullState({ ...options, address: `127.0.0.1:${server!.port}`, weightsCrc: state.weightsCrc, target });
    expect(Buffer.from(target.weights.buffer).equals(Buffer.from(state.weights.buffer))).toBe(true);
    expect(Buffer.from(target.v.buffer).equals(Buffer.from(state.v.buffer))).toBe(true);
  });

  it('brings the average of the weights over too, and is not content without it', async () => {
    const ema = Float32Array.from(state.v, (value) => value / 3);
    const average = { ...state, ema, weightsCrc: stateCrc({ weights: state.weights, ema }) };
    const [server, other] = await startServers(2, (step) => (step === 9 ? average : undefined));
    const target = { ...empty(), ema: new Float32Array(parameters) };
    await pullState({
      ...options,
      address: `127.0.0.1:${server!.port}`,
      weightsCrc: average.weightsCrc,
      target,
    });
    expect(Buffer.from(target.ema.buffer).equals(Buffer.from(ema.buffer))).toBe(true);
    const short = pullState({
      ...options,
      address: `127.0.0.1:${other!.port}`,
      weightsCrc: average.weightsCrc,
      target: empty(),
    });
    await expect(short).rejects.toThrow(/more than the expected/);
  });

  it('refuses a state that is not the announced one, and one that the peer does not hold', async () => {
    const [server] = await startServers(1, (step) => (step === 9 ? state : undefined));
    const address = `127.0.0.1:${server!.port}`;
    await expect(pullState({ ...options, address, weightsCrc: 1, target: empty() })).rejects.toMatchObject({
      code: 'DESYNC',
    });
    await expect(pullState({ ...options, step: 8, address, weightsCrc: 1, target: empty() })).rejects.toThrow(
      /does not hold the state of run mesh-test after step 8/,
    );
  });
});

/** A TCP proxy whose connections can be cut, as a network does. */
async function startProxy(target: number): Promise<{ port: number; cut(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.pipe(upstream);
    upstream.pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  open.push({ close: cut });
  return { port: (server.address() as AddressInfo).port, cut };
}
