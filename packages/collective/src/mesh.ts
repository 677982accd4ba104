/**
 * The connections of one generation: a stream to and from every peer that the all-reduce talks to, and the all-reduce on top of them. Opening
 * succeeds only when all of them are connected both ways; the first lost stream fails the all-reduce with the name of the peer. Whatever fails it
 * here is told to every peer at once, so that none of them waits for its deadline.
 */
import { OPERATION_DEFAULTS, systemClock, TrainingError, type Clock, type WorkSplit } from '@facet/shared';
import { createAllReduce, type AllReduce } from './all-reduce.js';
import { openInlet as openSocketInlet, type Inlet, type Transport } from './exchange-client.js';
import type { ExchangeServer } from './exchange-server.js';
import type { GradientFormat } from './formats/gradient-format.js';
import type { Outlet, Way } from './frame-outlet.js';
import { runWord } from './frame.js';

/** Ring capacity, in messages. */
const MESSAGES_PER_RING = 2;
/** Ring capacity, in gradients. A peer is at most one step ahead, so two gradients are enough. */
const STEPS_PER_RING = 2;

export interface MeshPeer {
  readonly rank: number;
  readonly workerId: string;
  readonly address: string;
}

export interface MeshOptions {
  readonly server: Pick<ExchangeServer, 'outlet' | 'failPulls' | 'closeThrough'>;
  /** Default: over gRPC and the sockets beside it. */
  readonly openInlet?: typeof openSocketInlet;
  /** Default: this machine's. */
  readonly clock?: Clock;
  readonly run: string;
  /** Shown to the peers: this rank's for the frames of this generation. */
  readonly pass: Uint8Array;
  readonly generation: number;
  readonly rank: number;
  /** Every member, this one included, in rank order. */
  readonly peers: readonly MeshPeer[];
  /** Which micro-batches each rank contributes. Default: as even as can be. */
  readonly split?: WorkSplit;
  /** Ranks that add among themselves first; see groupSizeOf. Default: all of them. */
  readonly groupSize?: number;
  readonly length: number;
  readonly format: GradientFormat;
  readonly bucketBytes: number;
  readonly messageBytes?: number;
  readonly transport: Transport;
  /** Makes the buffers of what comes, see FloatMemory. Default: ordinary ones. */
  readonly allocate?: (length: number) => Float32Array;
  readonly timeoutMs: number;
  readonly firstStep: number;
  readonly microBatches: (step: number) => number;
  /** Called with the first failure of a connection. */
  readonly onFailure: (error: TrainingError, peer: MeshPeer) => void;
  readonly signal: AbortSignal;
}

export interface Mesh {
  readonly allReduce: AllReduce;
  /** Number of peers for each way in which values travel. */
  readonly ways: Partial<Record<Way, number>>;
  close(): void;
}

/**
 * Connects to the peers of a generation, or with groups to those of its group and of its place in the others.
 *
 * @throws TrainingError PEER_UNAVAILABLE naming the first peer that does not answer.
 */
export async function openMesh(options: MeshOptions): Promise<Mesh> {
  const { server, run, generation, rank, peers, timeoutMs, openInlet = openSocketInlet, clock = systemClock } = options;
  const { messageBytes = OPERATION_DEFAULTS.exchange.messageBytes } = options;
  const gradientBytes = options.length * Float32Array.BYTES_PER_ELEMENT;
  const outlets = new Map<number, Outlet>();
  const inlets: Inlet[] = [];
  const failed = new AbortController();
  // Not AbortSignal.any: Node keeps what that makes for as long as somebody listens, and with it the buffers of a generation.
  const opening = new AbortController();
  const giveUp = (): void => {
    opening.abort(options.signal.reason);
  };
  let isClosed = false;
  const request = { run, generation, rank, proof: Buffer.from(options.pass) };
  const nameOf = (of: number): string => `rank ${of} (${peers[of]?.workerId ?? 'unknown'})`;

  const allReduce = createAllReduce({
    run: runWord(run),
    generation,
    rank,
    worldSize: peers.length,
    ...(options.split === undefined ? {} : { split: options.split }),
    groupSize: options.groupSize ?? peers.length,
    length: options.length,
    format: options.format,
    bucketBytes: options.bucketBytes,
    messageBytes,
    ...(options.allocate === undefined ? {} : { allocate: options.allocate }),
    timeoutMs,
    clock,
    firstStep: options.firstStep,
    microBatches: options.microBatches,
    nameOf,
    onFailed: (error) => {
      server.failPulls(generation, error.message);
      failed.abort(error);
      opening.abort(error);
    },
    send: (to, header, values) => {
      const outlet = outlets.get(to);
      if (outlet === undefined)
        return Promise.reject(new TrainingError('PEER_UNAVAILABLE', `no stream to ${nameOf(to)}`));
      return outlet.send(header, values);
    },
  });

  const close = (): void => {
    isClosed = true;
    server.closeThrough(generation);
    allReduce.fail(new TrainingError('STALE', `generation ${generation} is over`));
    for (const inlet of inlets) inlet.close();
  };
  const lost = (peer: MeshPeer) => (reason: string) => {
    if (isClosed || failed.signal.aborted) return;
    const error = new TrainingError(
      'PEER_UNAVAILABLE',
      `${nameOf(rank)} lost ${nameOf(peer.rank)} at ${peer.address} in generation ${generation}: ${reason}`,
    );
    allReduce.fail(error);
    options.onFailure(error, peer);
  };

  const others = allReduce.peers.map((peer) => peers[peer]!);
  const pulledFrom = new Set<number>();
  const cancelTimeout = clock.schedule(timeoutMs, () => {
    const namesOf = (isThere: (rank: number) => boolean): string =>
      others.flatMap((peer) => (isThere(peer.rank) ? [] : [nameOf(peer.rank)])).join(', ') || 'nobody';
    const silent = namesOf((of) => pulledFrom.has(of));
    const missing = namesOf((of) => outlets.has(of));
    allReduce.fail(
      new TrainingError(
        'PEER_UNAVAILABLE',
        `${nameOf(rank)} waited ${timeoutMs} ms for its peers in generation ${generation}; did not answer: ${silent}; did not come: ${missing}`,
      ),
    );
  });
  const { signal } = opening;
  if (options.signal.aborted) giveUp();
  else options.signal.addEventListener('abort', giveUp, { once: true });
  try {
    await Promise.all(
      others.flatMap((peer) => [
        openInlet({
          address: peer.address,
          peer: nameOf(peer.rank),
          request,
          transport: options.transport,
          ringBytes: Math.min(messageBytes * MESSAGES_PER_RING, gradientBytes * STEPS_PER_RING),
          sink: allReduce.inlet(peer.rank),
          onClosed: lost(peer),
          signal,
        }).then((inlet) => {
          // If a connection opens after the attempt was given up, it is closed.
          if (isClosed) inlet.close();
          else inlets.push(inlet);
          pulledFrom.add(peer.rank);
        }),
        server.outlet(generation, peer.rank, lost(peer), signal).then((outlet) => outlets.set(peer.rank, outlet)),
      ]),
    );
  } catch (caught) {
    // The first failure is the cause; what was caught may be its consequence.
    allReduce.fail(TrainingError.from(caught, 'PEER_UNAVAILABLE'));
    close();
    throw failed.signal.reason;
  } finally {
    cancelTimeout();
    options.signal.removeEventListener('abort', giveUp);
  }
  return { allReduce, ways: countWays(outlets.values()), close };
}

function countWays(outlets: Iterable<Outlet>): Partial<Record<Way, number>> {
  const ways: Partial<Record<Way, number>> = {};
  for (const { way } of outlets) ways[way] = (ways[way] ?? 0) + 1;
  return ways;
}
