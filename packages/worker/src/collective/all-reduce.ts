/**
 * All-reduce of one generation: reduce-scatter to the owner of every chunk, then all-gather of the reduced chunks (none where
 * every rank owns the whole), in the order of the reduction tree. Transport is an argument: this file neither opens sockets nor knows gRPC.
 *
 * Invariants: a rank gets the whole reduced gradient or an error, never a part; the first failure latches and fails every
 * later call; a peer may be at most one step ahead, so what is held for it is bounded; every wait has a deadline.
 */
import { rangeOfRank, systemClock, TrainingError, type Clock } from '@facet/shared';
import { decodeFrame, encodeFrame, type Frame, type FrameHeader } from './frame.js';
import { chunkOf, scheduleBuckets, type Slice } from './schedule/buckets.js';
import { combine, rootOf, subtreeKey, subtreesOf, type PartialSum, type Subtree } from './schedule/reduction-tree.js';

/** Values of one message; larger chunks go in several, so that no peer must hold all of a large chunk twice. */
const MESSAGE_ELEMENTS = 128 * 1024;

export interface AllReduceOptions {
  /** CRC-32 of the run's name, see runWord. */
  readonly run: number;
  readonly generation: number;
  readonly rank: number;
  readonly worldSize: number;
  /** Elements of the flat buffer. */
  readonly length: number;
  readonly bucketBytes: number;
  /** Longest wait for one chunk of one peer. */
  readonly timeoutMs: number;
  readonly firstStep: number;
  /** Micro-batches of a training step, from the plan. */
  readonly microBatches: (step: number) => number;
  /** Sends a frame to a rank; resolves when the transport takes more. */
  readonly send: (rank: number, frame: Buffer) => Promise<void>;
  /** How a rank is called in messages. */
  readonly nameOf: (rank: number) => string;
  /** Default: this machine's. */
  readonly clock?: Clock;
}

export interface AllReduce {
  /**
   * Sums everyone's contributions to a step.
   *
   * @param partials this rank's contribution; overwritten
   * @param output [length], receives the sum
   */
  reduce(step: number, partials: readonly PartialSum[], output: Float32Array): Promise<void>;
  /** Takes one message from a peer. */
  receive(from: number, bytes: Buffer): void;
  /** Fails everything that waits now or later; the first failure stays. */
  fail(error: TrainingError): void;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** A chunk on its way from a peer. */
interface Arrival {
  readonly values: Float32Array;
  received: number;
  resolve: (() => void) | undefined;
}

export function createAllReduce(options: AllReduceOptions): AllReduce {
  const { run, generation, rank, worldSize, timeoutMs, microBatches, nameOf, clock = systemClock } = options;
  const schedule = scheduleBuckets(options.length, worldSize, options.bucketBytes);
  const peers = Array.from({ length: worldSize }, (_, peer) => peer).filter((peer) => peer !== rank);
  const arrivals = new Map<number, Map<string, Arrival>>();
  const pool = new Map<number, Float32Array[]>();
  const rejections = new Set<(error: TrainingError) => void>();
  let currentStep = options.firstStep;
  let failure: TrainingError | undefined;
  let bytesSent = 0;
  let bytesReceived = 0;

  const fail = (error: TrainingError): void => {
    if (failure !== undefined) return;
    failure = error;
    for (const reject of [...rejections]) reject(error);
    rejections.clear();
  };

  const arrivalOf = (step: number, key: string, length: number): Arrival => {
    let ofStep = arrivals.get(step);
    if (ofStep === undefined) arrivals.set(step, (ofStep = new Map<string, Arrival>()));
    let arrival = ofStep.get(key);
    if (arrival === undefined) {
      arrival = { values: pool.get(length)?.pop() ?? new Float32Array(length), received: 0, resolve: undefined };
      ofStep.set(key, arrival);
    }
    return arrival;
  };

  const validate = (from: number, frame: Frame): Slice => {
    const refuse = (what: string, actual: number | string, expected: number | string): never => {
      throw new TrainingError(
        'FRAME_INVALID',
        `${nameOf(rank)} got a frame from ${nameOf(from)} with ${what} ${actual}, expected ${expected} (step ${frame.step}, bucket ${frame.bucket})`,
      );
    };
    if (frame.run !== run) refuse('run', frame.run, run);
    if (frame.generation !== generation) refuse('generation', frame.generation, generation);
    if (frame.step !== currentStep && frame.step !== currentStep + 1)
      refuse('step', frame.step, `${currentStep} or ${currentStep + 1}`);
    if (frame.bucket >= schedule.buckets.length) refuse('bucket', frame.bucket, `below ${schedule.buckets.length}`);
    const owner = frame.kind === 'partial' ? rank : from;
    if (frame.chunk !== owner) refuse('chunk', frame.chunk, owner);
    const total = microBatches(frame.step);
    const allowed = frame.kind === 'partial' ? subtreesOf(rangeOfRank(total, worldSize, from), total) : [rootOf(total)];
    const key = subtreeKey(frame.subtree);
    if (!allowed.some((subtree) => subtreeKey(subtree) === key))
      refuse('sub-tree', key, allowed.map(subtreeKey).join(' or '));
    const slice = chunkOf(schedule, frame.bucket, owner);
    if (frame.offset + frame.count > slice.end - slice.start) {
      refuse('values up to', frame.offset + frame.count, `at most ${slice.end - slice.start}`);
    }
    return slice;
  };

  const receive = (from: number, bytes: Buffer): void => {
    if (failure !== undefined) return;
    try {
      const frame = decodeFrame(bytes);
      const slice = validate(from, frame);
      bytesReceived += bytes.length;
      const arrival = arrivalOf(
        frame.step,
        arrivalKey(from, frame.kind, frame.bucket, frame.subtree),
        slice.end - slice.start,
      );
      const target = Buffer.from(arrival.values.buffer, arrival.values.byteOffset, arrival.values.byteLength);
      frame.payload.copy(target, frame.offset * Float32Array.BYTES_PER_ELEMENT);
      arrival.received += frame.count;
      if (arrival.received >= arrival.values.length) arrival.resolve?.();
    } catch (caught) {
      fail(TrainingError.from(caught, 'FRAME_INVALID'));
    }
  };

  /** Waits until a chunk has arrived in full. */
  const wait = (
    from: number,
    kind: FrameHeader['kind'],
    step: number,
    bucket: number,
    subtree: Subtree,
    length: number,
  ): Promise<Float32Array> => {
    const arrival = arrivalOf(step, arrivalKey(from, kind, bucket, subtree), length);
    if (failure !== undefined) return Promise.reject(failure);
    if (arrival.received >= length) return Promise.resolve(arrival.values);
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        cancelTimeout();
        rejections.delete(rejectWith);
      };
      const rejectWith = (error: TrainingError): void => {
        settle();
        reject(error);
      };
      const cancelTimeout = clock.schedule(timeoutMs, () => {
        fail(
          new TrainingError(
            'STEP_TIMEOUT',
            `${nameOf(rank)} waited ${timeoutMs} ms for the ${kind} chunk of ${nameOf(from)} in step ${step}, bucket ${bucket}, sub-tree ${subtreeKey(subtree)}: ${arrival.received} of ${length} values came`,
          ),
        );
      });
      rejections.add(rejectWith);
      arrival.resolve = () => {
        settle();
        resolve(arrival.values);
      };
    });
  };

  /** A peer that lives but does not read must not hold a step forever. */
  const withinDeadline = async (
    sending: Promise<void>,
    to: number,
    header: Omit<FrameHeader, 'offset'>,
  ): Promise<void> => {
    const cancelTimeout = clock.schedule(timeoutMs, () => {
      fail(
        new TrainingError(
          'STEP_TIMEOUT',
          `${nameOf(rank)} waited ${timeoutMs} ms for ${nameOf(to)} to take a ${header.kind} chunk of step ${header.step}, bucket ${header.bucket}`,
        ),
      );
    });
    let reject: (error: TrainingError) => void = () => undefined;
    const failed = new Promise<never>((_resolve, rejectFailed) => {
      reject = rejectFailed;
    });
    rejections.add(reject);
    try {
      await Promise.race([sending, failed]);
    } finally {
      cancelTimeout();
      rejections.delete(reject);
    }
  };

  const sendChunk = async (to: number, header: Omit<FrameHeader, 'offset'>, values: Float32Array): Promise<void> => {
    for (let offset = 0; offset < values.length; offset += MESSAGE_ELEMENTS) {
      if (failure !== undefined) throw failure;
      const frame = encodeFrame({ ...header, offset }, values.subarray(offset, offset + MESSAGE_ELEMENTS));
      bytesSent += frame.length;
      await withinDeadline(options.send(to, frame), to, header);
    }
  };

  const reduceBucket = async (
    step: number,
    bucket: number,
    partials: readonly PartialSum[],
    output: Float32Array,
  ): Promise<void> => {
    const total = microBatches(step);
    const common = { run, generation, step, bucket };
    const own = chunkOf(schedule, bucket, rank);

    const scatter = peers.map(async (peer) => {
      const slice = chunkOf(schedule, bucket, peer);
      for (const { subtree, values } of partials) {
        await sendChunk(
          peer,
          { ...common, kind: 'partial', chunk: peer, subtree },
          values.subarray(slice.start, slice.end),
        );
      }
    });

    const reduceOwn = async (): Promise<void> => {
      if (own.start === own.end) return;
      const bySubtree = new Map<string, Float32Array>();
      for (const { subtree, values } of partials)
        bySubtree.set(subtreeKey(subtree), values.subarray(own.start, own.end));
      await Promise.all(
        peers.flatMap((peer) =>
          subtreesOf(rangeOfRank(total, worldSize, peer), total).map(async (subtree) => {
            const values = await wait(peer, 'partial', step, bucket, subtree, own.end - own.start);
            bySubtree.set(subtreeKey(subtree), values);
          }),
        ),
      );
      // Adding overwrites this rank's own values, and where everyone owns everything they may still wait to be sent.
      if (schedule.ownership === 'replicated') await Promise.all(scatter);
      const reduced = combine(total, (subtree) => bySubtree.get(subtreeKey(subtree)));
      output.set(reduced, own.start);
      if (schedule.ownership === 'replicated') return;
      const result = output.subarray(own.start, own.end);
      await Promise.all(
        peers.map((peer) =>
          sendChunk(peer, { ...common, kind: 'reduced', chunk: rank, subtree: rootOf(total) }, result),
        ),
      );
    };

    const gathered = schedule.ownership === 'replicated' ? [] : peers;
    const gather = gathered.map(async (peer) => {
      const slice = chunkOf(schedule, bucket, peer);
      if (slice.start === slice.end) return;
      output.set(await wait(peer, 'reduced', step, bucket, rootOf(total), slice.end - slice.start), slice.start);
    });

    await Promise.all([...scatter, reduceOwn(), ...gather]);
  };

  return {
    async reduce(step, partials, output) {
      if (failure !== undefined) throw failure;
      if (step !== currentStep) {
        throw new TrainingError(
          'INTERNAL',
          `${nameOf(rank)} was asked to reduce step ${step}, but step ${currentStep} is next`,
        );
      }
      try {
        await Promise.all(schedule.buckets.map((_, bucket) => reduceBucket(step, bucket, partials, output)));
      } catch (caught) {
        // The latched failure names the cause; what was caught may only be its consequence.
        const error = TrainingError.from(caught);
        fail(error);
        throw failure ?? error;
      }
      for (const { values } of arrivals.get(step)?.values() ?? []) {
        const list = pool.get(values.length);
        if (list === undefined) pool.set(values.length, [values]);
        else list.push(values);
      }
      arrivals.delete(step);
      currentStep = step + 1;
    },
    receive,
    fail,
    get bytesSent() {
      return bytesSent;
    },
    get bytesReceived() {
      return bytesReceived;
    },
  };
}

function arrivalKey(from: number, kind: FrameHeader['kind'], bucket: number, subtree: Subtree): string {
  return `${from}/${kind}/${bucket}/${subtreeKey(subtree)}`;
}
