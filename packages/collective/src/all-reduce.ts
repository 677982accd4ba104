/**
 * All-reduce of one generation: reduce-scatter to the owners, then all-gather of what is reduced (none where every rank owns the whole),
 * with groups twice, in the order of the reduction tree. Transport is an argument: this file neither opens sockets nor knows gRPC.
 *
 * Invariants: a rank gets the whole reduced gradient or an error, never a part; the first failure latches and fails every
 * later call; a peer may be at most one step ahead, so what is held for it is bounded; every wait has a deadline.
 */
import { OPERATION_DEFAULTS, systemClock, TrainingError, type Clock, type WorkSplit } from '@facet/shared';
import { createArrivals, type Arrival } from './arrivals.js';
import { reduceBucket, type ContributionHeader } from './bucket-reduction.js';
import { bytesOf } from './formats/codec.js';
import { ORDINARY_MEMORY } from './float-memory.js';
import type { GradientFormat } from './formats/gradient-format.js';
import { encodeHeader, FRAME_HEADER_BYTES, type FrameKind, type FrameSink } from './frame.js';
import { arrivalKey, createFrameInlet } from './frame-inlet.js';
import { createLatch } from './latch.js';
import { alignedDown, crossPeers, groupPeers, scheduleBuckets, shareOf, sliceOf } from './schedule/buckets.js';
import { isIdle, rootOf, subtreeKey, type PartialSum } from './schedule/reduction-tree.js';

const { exchange: DEFAULTS } = OPERATION_DEFAULTS;

/**
 * How long to wait for each stage, in usual waits. A rank that is late for one stage keeps others waiting in the next. Later
 * stages wait longer, so that the first deadline to pass is in a rank that waits for the late one directly and can name it.
 */
function patienceOf(kind: FrameKind, hasGroups: boolean): number {
  const stages: readonly FrameKind[] = hasGroups
    ? ['partial', 'group-partial', 'group-reduced', 'reduced']
    : ['partial', 'reduced'];
  return 1 + stages.indexOf(kind) / 2;
}

export interface AllReduceOptions {
  /** CRC-32 of the run's name, see runWord. */
  readonly run: number;
  readonly generation: number;
  readonly rank: number;
  readonly worldSize: number;
  /** Which micro-batches each rank contributes; the same on every rank. Default: as even as can be. */
  readonly split?: WorkSplit;
  /** Ranks that add among themselves first; divides the world size. Default: all of them. */
  readonly groupSize?: number;
  /** Elements of the flat buffer. */
  readonly length: number;
  /** The format that partial sums are rounded to, and that their sums will be rounded to; the same on every rank. */
  readonly format: GradientFormat;
  readonly bucketBytes: number;
  /** Most bytes of float32 values in one message, before they are encoded. Default: the configuration's. */
  readonly messageBytes?: number;
  /** See scheduleBuckets. */
  readonly replicatedBytes?: number;
  /** Makes the buffers of what comes, see FloatMemory. Default: ordinary ones. */
  readonly allocate?: (length: number) => Float32Array;
  /** Longest wait for one contribution of one peer; for what depends on others' contributions up to 2.5 times as long. */
  readonly timeoutMs: number;
  readonly firstStep: number;
  /** Micro-batches of a training step, from the plan. */
  readonly microBatches: (step: number) => number;
  /** Sends a frame to a rank, one at a time; resolves when the values may be overwritten and the transport takes more. */
  readonly send: (rank: number, header: Buffer, values: Uint8Array) => Promise<void>;
  /** The name of a rank in messages. */
  readonly nameOf: (rank: number) => string;
  /** Called with the first failure. */
  readonly onFailed?: (error: TrainingError) => void;
  /** Default: this machine's. */
  readonly clock?: Clock;
}

export interface AllReduce {
  /** The ranks that this one talks to; every other one is reached through them. */
  readonly peers: readonly number[];
  /** The format that contributions must be rounded to, at every node of the tree. */
  readonly format: GradientFormat;
  /**
   * Sends a part of this rank's contribution to the next step ahead, while the rest is computed. A failure fails the step.
   *
   * @param partial one of those that `reduce` will get; read until `reduce` settles
   */
  contribute(step: number, partial: PartialSum): void;
  /**
   * Sums everyone's contributions to a step.
   *
   * @param partials this rank's whole contribution; read until the returned promise settles
   * @param output [length], receives the sum
   */
  reduce(step: number, partials: readonly PartialSum[], output: Float32Array): Promise<void>;
  /** Where the frames of a peer go. */
  inlet(from: number): FrameSink;
  /** Fails everything that waits now or later; the first failure stays. */
  readonly fail: (error: TrainingError) => void;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

export function createAllReduce(options: AllReduceOptions): AllReduce {
  const { run, generation, rank, format, timeoutMs, microBatches, nameOf, clock = systemClock } = options;
  // A bucket's sums are rounded at once.
  const bucketBytes = Math.min(options.bucketBytes, format.turnElements * Float32Array.BYTES_PER_ELEMENT);
  const schedule = scheduleBuckets({ ...options, bucketBytes, alignment: format.alignment });
  const group = groupPeers(schedule, rank);
  const peers = [...group, ...crossPeers(schedule, rank)];
  const hasGroups = schedule.groupSize < schedule.worldSize;
  const { allocate = ORDINARY_MEMORY.allocate } = options;
  const arrivals = createArrivals(allocate);
  const messageElements = messageLength(options.messageBytes ?? DEFAULTS.messageBytes, format.alignment);
  /** Room for one encoded message, which is no longer than its values. */
  const messageRoom = (): Uint8Array =>
    bytesOf(allocate(format.isPlain ? 0 : Math.min(messageElements, options.length)));
  const latch = createLatch({ timeoutMs, clock, onFailed: options.onFailed ?? (() => undefined) });
  const lanes = new Map<number, Promise<void>>(peers.map((peer) => [peer, Promise.resolve()]));
  const encoders = new Map(peers.map((peer) => [peer, createEncoder(format, messageRoom())]));
  /** Contributions to the current step that were sent ahead, until they are sent. */
  const early = new Map<string, Promise<unknown>>();
  let currentStep = options.firstStep;
  let bytesSent = 0;
  let bytesReceived = 0;

  const inlets = peers.map((from): readonly [number, FrameSink] => [
    from,
    createFrameInlet({
      run,
      generation,
      rank,
      from,
      schedule,
      format,
      arrivals,
      staging: messageRoom(),
      latch,
      microBatches,
      nameOf,
      currentStep: () => currentStep,
      onBytes: (bytes) => (bytesReceived += bytes),
    }),
  ]);
  const inletOf = new Map(inlets);

  const arrivalOf = (from: number, header: ContributionHeader, length: number, place?: Float32Array): Arrival =>
    arrivals.of(header.step, arrivalKey(from, header.kind, header.bucket, header.subtree), length, place);

  /** Waits until a chunk has arrived in full. */
  const wait = async (from: number, header: ContributionHeader, length: number): Promise<Float32Array> => {
    const { step, kind, bucket, subtree } = header;
    const arrival = arrivalOf(from, header, length);
    await latch.guard(
      arrival.complete,
      (waitedMs) =>
        `${nameOf(rank)} waited ${waitedMs} ms for the ${kind} chunk of ${nameOf(from)} in step ${step}, bucket ${bucket}, sub-tree ${subtreeKey(subtree)}: ${arrival.received} of ${length} values came`,
      patienceOf(kind, hasGroups),
    );
    return arrival.values;
  };

  /** Lets a chunk arrive where it is wanted. */
  const expect = (from: number, header: ContributionHeader, place: Float32Array): void => {
    arrivalOf(from, header, place.length, place);
  };

  const reuse = (from: number, { step, kind, bucket, subtree }: ContributionHeader): void => {
    arrivals.reuse(step, arrivalKey(from, kind, bucket, subtree));
  };

  const sendChunk = async (to: number, header: ContributionHeader, values: Float32Array): Promise<void> => {
    // One message is sent even without values: it says that its sender has reached this step.
    for (let offset = 0; offset === 0 || offset < values.length; offset += messageElements) {
      if (latch.failure !== undefined) throw latch.failure;
      const part = values.subarray(offset, offset + messageElements);
      const start = sliceOf(schedule, header).start + offset;
      const encoded = encoders.get(to)!(part, start);
      bytesSent += FRAME_HEADER_BYTES + encoded.length;
      const head = encodeHeader({ ...header, offset, format: format.name, count: part.length }, encoded);
      const what = `a ${header.kind} chunk of step ${header.step}, bucket ${header.bucket}`;
      const sending = options.send(to, head, encoded).catch((caught: unknown) => {
        const { message } = TrainingError.from(caught);
        throw new TrainingError(
          'PEER_UNAVAILABLE',
          `${nameOf(rank)} cannot send ${what} to ${nameOf(to)}: ${message}`,
          { cause: caught },
        );
      });
      // A peer that lives but does not read must not hold a step forever.
      await latch.guard(
        sending,
        (waitedMs) => `${nameOf(rank)} waited ${waitedMs} ms for ${nameOf(to)} to take ${what}`,
      );
    }
  };

  /** Chunks to one peer go one after the other, so that only what is under way is in the cache and waits for the peer. */
  const enqueue = (to: number, header: ContributionHeader, values: Float32Array): Promise<void> => {
    const sent = lanes.get(to)!.then(() => sendChunk(to, header, values));
    lanes.set(
      to,
      sent.catch(() => undefined),
    );
    return sent;
  };

  /** Sends a contribution to the owners of a bucket's shares. */
  const scatter = (step: number, bucket: number, { subtree, values }: PartialSum): Promise<void>[] =>
    group.flatMap((peer) => {
      const { start, end } = shareOf(schedule, bucket, peer);
      if (start === end) return [];
      const header = { run, generation, step, bucket, kind: 'partial', owner: peer, subtree } as const;
      return enqueue(peer, header, values.subarray(start, end));
    });

  /**
   * Ranks without a micro-batch send an empty message. Without it the others would not wait for them, and could get more than
   * one step ahead.
   */
  const meetIdle = (step: number): Promise<unknown>[] => {
    const total = microBatches(step);
    const hasNothing = (of: number): boolean => isIdle(total, schedule.split, of);
    const header = { run, generation, step, bucket: 0, kind: 'partial', subtree: rootOf(total) } as const;
    return [
      ...(hasNothing(rank) ? group.map((peer) => enqueue(peer, { ...header, owner: peer }, new Float32Array())) : []),
      ...group.filter(hasNothing).map((peer) => wait(peer, { ...header, owner: rank }, 0)),
    ];
  };

  const requireNext = (step: number): void => {
    if (step === currentStep) return;
    throw new TrainingError(
      'INTERNAL',
      `${nameOf(rank)} was asked to reduce step ${step}, but step ${currentStep} is next`,
    );
  };

  return {
    peers,
    format,
    contribute(step, partial) {
      if (latch.failure !== undefined) return;
      requireNext(step);
      const sent = Promise.all(schedule.buckets.flatMap((_, bucket) => scatter(step, bucket, partial)));
      sent.catch((caught: unknown) => {
        latch.fail(TrainingError.from(caught));
      });
      early.set(subtreeKey(partial.subtree), sent);
    },
    async reduce(step, partials, output) {
      if (latch.failure !== undefined) throw latch.failure;
      requireNext(step);
      try {
        const late = partials.filter(({ subtree }) => !early.has(subtreeKey(subtree)));
        const done = schedule.buckets.flatMap((_, bucket) => {
          const sent = late.flatMap((partial) => scatter(step, bucket, partial));
          const common = { run, generation, step, bucket };
          const reduction = {
            schedule,
            format,
            rank,
            microBatches: microBatches(step),
            common,
            expect,
            wait,
            reuse,
            send: enqueue,
          };
          return [...sent, reduceBucket(reduction, partials, output)];
        });
        await Promise.all([...early.values(), ...meetIdle(step), ...done]);
      } catch (caught) {
        // The latched failure is the cause. The caught error may be its consequence.
        const error = TrainingError.from(caught);
        latch.fail(error);
        throw latch.failure ?? error;
      }
      early.clear();
      arrivals.release(step);
      currentStep = step + 1;
    },
    inlet: (from) => inletOf.get(from)!,
    fail: latch.fail,
    get bytesSent() {
      return bytesSent;
    },
    get bytesReceived() {
      return bytesReceived;
    },
  };
}

/** Encodes what goes to one peer, one message at a time; what it returns is valid until the next one. */
function createEncoder(
  format: GradientFormat,
  memory: Uint8Array,
): (values: Float32Array, start: number) => Uint8Array {
  return (values, start) => {
    if (format.isPlain) return bytesOf(values);
    const encoded = memory.subarray(0, format.encodedBytes(start, values.length));
    format.encode(values, start, encoded);
    return encoded;
  };
}

function messageLength(bytes: number, alignment: number): number {
  return Math.max(alignment, alignedDown(bytes / Float32Array.BYTES_PER_ELEMENT, alignment));
}
