import { Transform } from 'node:stream';
import { createServer, connect, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { rangeOfRank, stateCrc, type TrainingError } from '@facet/shared';
import { pullState, type Transport } from './exchange-client.js';
import { startExchangeServer, type ExchangeServer, type StateSnapshot } from './exchange-server.js';
import { openMesh, type Mesh, type MeshPeer } from './mesh.js';
import { createPartialSums } from './partial-sums.js';

const RUN = 'mesh-test';
const TRANSPORTS: Transport[] = ['auto', 'tcp', 'grpc'];
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
  readonly transport?: Transport;
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
        transport: options.transport ?? 'auto',
        timeoutMs: options.timeoutMs ?? 30_000,
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
  it.each(TRANSPORTS)(
    'reduces over %s to the bits of a single rank, in several messages and buckets',
    async (transport) => {
      const [length, microBatches] = [300_000, 5];
      const alone = await openWorld(await startServers(1), { length, microBatches });
      const expected = await reduce(alone.meshes[0]!, 1, 0, 1, microBatches, length);
      for (const worldSize of [2, 3]) {
        const { meshes } = await openWorld(await startServers(worldSize), { length, microBatches, transport });
        for (const step of [1, 2, 3]) {
          const results = await Promise.all(
            meshes.map((mesh, rank) => reduce(mesh, step, rank, worldSize, microBatches, length)),
          );
          for (const result of results)
            expect(Buffer.from(result.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
        }
        expect(meshes[0]!.allReduce.bytesSent).toBeGreaterThan(3 * length * 4);
      }
    },
  );

  it.each(TRANSPORTS)(
    'fails the step on the survivor, naming the peer, when its connection over %s is cut',
    async (transport) => {
      const servers = await startServers(2);
      const proxy = await startProxy(servers[1]!.port);
      const { meshes, failures } = await openWorld(servers, {
        length: 64,
        microBatches: 2,
        transport,
        addressOf: (rank) => `127.0.0.1:${rank === 1 ? proxy.port : servers[0]!.port}`,
      });
      const waiting = reduce(meshes[0]!, 1, 0, 2, 2, 64);
      proxy.cut();
      await expect(waiting).rejects.toMatchObject({ code: 'PEER_UNAVAILABLE' });
      await expect(waiting).rejects.toThrow(
        /rank 0 \(worker-0\) lost rank 1 \(worker-1\) at 127\.0\.0\.1:\d+ in generation 1/,
      );
      expect(failures.find((failure) => failure.rank === 0)!.peer.workerId).toBe('worker-1');
    },
  );

  it('fails both ranks within the deadline when a connection over tcp stops moving in the middle of a step', async () => {
    const [length, microBatches] = [4_000_000, 2];
    const servers = await startServers(2);
    const proxy = await startProxy(servers[1]!.port);
    const { meshes } = await openWorld(servers, {
      length,
      microBatches,
      transport: 'tcp',
      timeoutMs: 1_000,
      addressOf: (rank) => `127.0.0.1:${rank === 1 ? proxy.port : servers[0]!.port}`,
    });
    proxy.freeze();
    const results = meshes.map((mesh, rank) =>
      mesh.allReduce.reduce(
        1,
        [{ subtree: { level: 0, index: rank }, values: new Float32Array(length) }],
        new Float32Array(length),
      ),
    );
    // Which of its waits ends first depends on how much the kernel had taken; either names the peer, the step and a bucket.
    const late = (rank: number, peer: number): RegExp =>
      new RegExp(
        `rank ${rank} .* waited 1000 ms for (the partial chunk of rank ${peer} .* in|rank ${peer} .* to take a partial chunk of) step 1, bucket \\d+`,
      );
    const [first, second] = await Promise.allSettled(results);
    expect(String((first as PromiseRejectedResult).reason)).toMatch(late(0, 1));
    expect(String((second as PromiseRejectedResult).reason)).toMatch(late(1, 0));
  });

  it('refuses values that were damaged on the socket, and says whose they are', async () => {
    const [length, microBatches] = [200_000, 2];
    const servers = await startServers(2);
    const proxy = await startProxy(servers[1]!.port);
    const { meshes } = await openWorld(servers, {
      length,
      microBatches,
      transport: 'tcp',
      addressOf: (rank) => `127.0.0.1:${rank === 1 ? proxy.port : servers[0]!.port}`,
    });
    proxy.corrupt();
    const results = meshes.map((mesh, rank) => reduce(mesh, 1, rank, 2, microBatches, length));
    results[1]!.catch(() => undefined);
    await expect(results[0]).rejects.toMatchObject({ code: 'FRAME_INVALID' });
    await expect(results[0]).rejects.toThrow(/rank 0 \(worker-0\) got a frame from rank 1 \(worker-1\) with checksum/);
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
      transport: 'auto',
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
        transport: 'auto',
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

interface Proxy {
  readonly port: number;
  /** Ends every connection. */
  cut(): void;
  /** Passes nothing on any more. */
  freeze(): void;
  /** Flips a bit in the middle of the next long piece that the target sends. */
  corrupt(): void;
}

/** A TCP proxy that does what a bad network does. */
async function startProxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  let isCorrupt = false;
  const damage = (): Transform =>
    new Transform({
      transform(piece: Buffer, _encoding, done) {
        if (isCorrupt && piece.length > 10_000) {
          isCorrupt = false;
          piece[piece.length >> 1]! ^= 4;
        }
        done(null, piece);
      },
    });
  const server: Server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.pipe(upstream);
    upstream.pipe(damage()).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  open.push({ close: cut });
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    corrupt() {
      isCorrupt = true;
    },
  };
}
