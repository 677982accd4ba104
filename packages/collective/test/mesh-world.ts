/**
 * Worlds of ranks in one process that talk over real sockets, and what tests do to them: a proxy that behaves like a bad network,
 * and faults at a chosen frame, which every transport can have. Whatever is opened ends with `close`.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import {
  evenSplit,
  PassSigner,
  rangeOfRank,
  systemClock,
  type StateSnapshot,
  type Clock,
  type GradientFormatName,
  type TrainingError,
} from '@facet/shared';
import { openInlet, type Transport } from '../src/exchange-client.js';
import { startExchangeServer, type ExchangeServer } from '../src/exchange-server.js';
import { createFloatMemory } from '../src/float-memory.js';
import { decodeHeader, type FrameHeader, type FrameSink } from '../src/frame.js';
import { gradientFormat } from '../src/formats/gradient-format.js';
import { openMesh, type Mesh, type MeshOptions, type MeshPeer } from '../src/mesh.js';
import { createPartialSums } from '../src/partial-sums.js';

export const RUN = 'mesh-test';
const PASSES = new PassSigner(new Uint8Array(32));
export const TRANSPORTS: readonly Transport[] = ['auto', 'unix', 'tcp', 'grpc'];

export interface WorldOptions {
  readonly length: number;
  readonly microBatches: number;
  readonly generation?: number;
  readonly transport?: Transport;
  /** Ranks per group. Default: all. */
  readonly groupSize?: number;
  /** Default: fp32. */
  readonly format?: GradientFormatName;
  /** What one rank has otherwise than the others. */
  readonly ofRank?: (rank: number) => Partial<MeshOptions>;
}

export interface MeshWorld {
  readonly meshes: readonly Mesh[];
  readonly failures: readonly { readonly rank: number; readonly error: TrainingError; readonly peer: MeshPeer }[];
}

export interface Proxy {
  readonly port: number;
  /** Ends every connection. */
  readonly cut: () => void;
  /** Passes nothing on any more. */
  freeze(): void;
  /** Flips a bit in the middle of the next long piece that the target sends. */
  corrupt(): void;
}

export interface MeshFixture {
  readonly startServers: (
    count: number,
    snapshot?: (step: number) => StateSnapshot | undefined,
  ) => Promise<ExchangeServer[]>;
  readonly openWorld: (servers: readonly ExchangeServer[], options: WorldOptions) => Promise<MeshWorld>;
  readonly startProxy: (target: number) => Promise<Proxy>;
  readonly close: () => void;
}

export function createMeshFixture(): MeshFixture {
  const open: { close(): void }[] = [];
  return {
    async startServers(count, snapshot = () => undefined) {
      const start = () =>
        startExchangeServer({ host: '127.0.0.1', run: () => RUN, exchangeKey: () => PASSES.publicKey, snapshot });
      const servers = await Promise.all(Array.from({ length: count }, start));
      open.push(...servers);
      return servers;
    },
    async openWorld(servers, options) {
      const failures: { rank: number; error: TrainingError; peer: MeshPeer }[] = [];
      const meshes = await Promise.all(
        servers.map((_, rank) =>
          openMesh({
            ...meshOptions(servers, rank, options),
            onFailure: (error, peer) => failures.push({ rank, error, peer }),
            ...options.ofRank?.(rank),
          }),
        ),
      );
      open.push(...meshes);
      return { meshes, failures };
    },
    async startProxy(target) {
      const proxy = await startProxy(target);
      open.push({ close: proxy.cut });
      return proxy;
    },
    close() {
      for (const resource of open.splice(0).reverse()) resource.close();
    },
  };
}

/** Options of one rank of a world: several buckets, and chunks of several messages. */
export function meshOptions(servers: readonly ExchangeServer[], rank: number, options: WorldOptions): MeshOptions {
  const { generation = 1 } = options;
  return {
    server: servers[rank]!,
    run: RUN,
    pass: PASSES.forFrames({ run: RUN, generation, rank }),
    generation,
    rank,
    peers: servers.map(({ port }, of) => ({ rank: of, workerId: `worker-${of}`, address: `127.0.0.1:${port}` })),
    ...(options.groupSize === undefined ? {} : { groupSize: options.groupSize }),
    length: options.length,
    format: gradientFormat({ name: options.format ?? 'fp32', exactFrom: options.length - 4, seed: 1 }),
    bucketBytes: 120_000,
    messageBytes: 32_000,
    transport: options.transport ?? 'auto',
    allocate: createFloatMemory().allocate,
    timeoutMs: 20_000,
    firstStep: 1,
    microBatches: () => options.microBatches,
    onFailure: () => undefined,
    signal: new AbortController().signal,
  };
}

/** Reduces a step on one rank; the sum depends on the order in which it is taken. */
export async function reduceOn(
  mesh: Mesh,
  { step, rank, worldSize }: { step: number; rank: number; worldSize: number },
  { length, microBatches }: Pick<WorldOptions, 'length' | 'microBatches'>,
): Promise<Float32Array> {
  const sums = createPartialSums({ length, format: mesh.allReduce.format });
  const range = rangeOfRank(microBatches, evenSplit(worldSize), rank);
  sums.begin(step, range, microBatches);
  for (let k = range.start; k < range.end; k++) {
    const scale = 10 ** (k % 4) / 7;
    await sums.add(
      k,
      Float32Array.from({ length }, (_, i) => ((i % 1009) - 500) * scale),
    );
  }
  const output = new Float32Array(length).fill(Number.NaN);
  await mesh.allReduce.reduce(step, await sums.finish(), output);
  return output;
}

/** Reduces a step on every rank. */
export function reduceOnAll(
  meshes: readonly Mesh[],
  step: number,
  sizes: Pick<WorldOptions, 'length' | 'microBatches'>,
): Promise<Float32Array>[] {
  return meshes.map((mesh, rank) => reduceOn(mesh, { step, rank, worldSize: meshes.length }, sizes));
}

/** A clock whose deadlines all pass at once, when it is told. */
export interface ManualClock extends Clock {
  readonly expire: () => void;
}

export function createManualClock(): ManualClock {
  const actions = new Set<() => void>();
  return {
    ...systemClock,
    schedule(_delayMs, action) {
      actions.add(action);
      return () => actions.delete(action);
    },
    expire() {
      for (const action of actions) action();
    },
  };
}

/** What befalls the frames of a peer from the first one on that `isPlace` chooses. */
export interface FrameFault {
  readonly isPlace: (header: FrameHeader) => boolean;
  /** `freeze`: nothing is taken any more. `corrupt`: one bit changes on the way. `none`: it only happens. */
  readonly effect: 'freeze' | 'corrupt' | 'none';
  /** Called once, when the first of the frames is there. */
  readonly onHit?: () => void;
}

/** Opens inlets; the frames of one rank meet a fault. */
export function inletWithFault(
  from: string,
  { isPlace, effect, onHit = () => undefined }: FrameFault,
): typeof openInlet {
  return (options) => {
    const { sink } = options;
    let isHere = false;
    let isOver = false;
    let place: Uint8Array | undefined;
    const faulty: FrameSink = {
      begin(header, length) {
        if (!isHere && !isOver && isPlace(decodeHeader(header))) {
          isHere = true;
          onHit();
        }
        if (isHere && effect === 'freeze') return undefined;
        return (place = sink.begin(header, length));
      },
      end() {
        if (isHere && !isOver) {
          isOver = true;
          isHere = false;
          if (effect === 'corrupt') place![place!.length >> 1]! ^= 4;
        }
        sink.end();
      },
    };
    return openInlet({ ...options, sink: options.peer.startsWith(from) ? faulty : sink });
  };
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
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
    client.pipe(upstream);
    upstream.pipe(damage()).pipe(client);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    corrupt() {
      isCorrupt = true;
    },
  };
}
