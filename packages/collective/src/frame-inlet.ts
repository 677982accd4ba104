/**
 * The receiving side of one peer: decides which frames the schedule allows, where their values go, and whether they arrived
 * undamaged. It knows no transport; the first refusal latches and names sender, step, bucket, the actual and the expected value.
 */
import { rangeOfRank, TrainingError } from '@facet/shared';
import type { Arrival, Arrivals } from './arrivals.js';
import { bytesOf } from './formats/codec.js';
import type { GradientFormat } from './formats/gradient-format.js';
import {
  decodeHeader,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  type FrameKind,
  type FrameSink,
  type ReceivedHeader,
} from './frame.js';
import { checksum } from './float-kernels.js';
import type { Latch } from './latch.js';
import { groupPeers, lengthOf, sliceOf, type BucketSchedule, type Slice } from './schedule/buckets.js';
import { isIdle, rootOf, subtreeKey, subtreesOf, subtreesOfGroup, type Subtree } from './schedule/reduction-tree.js';

const NOTHING: Slice = { start: 0, end: 0 };

export interface FrameInletOptions {
  readonly run: number;
  readonly generation: number;
  readonly rank: number;
  /** The peer whose frames come here. */
  readonly from: number;
  readonly schedule: BucketSchedule;
  readonly format: GradientFormat;
  readonly arrivals: Arrivals;
  /** Where encoded values wait to be decoded; replaced by a longer one when it has to be. */
  readonly staging: Uint8Array;
  readonly latch: Latch;
  readonly microBatches: (step: number) => number;
  readonly currentStep: () => number;
  readonly nameOf: (rank: number) => string;
  readonly onBytes: (bytes: number) => void;
}

/** The name under which a contribution arrives. */
export function arrivalKey(from: number, kind: FrameHeader['kind'], bucket: number, subtree: Subtree): string {
  return `${from}/${kind}/${bucket}/${subtreeKey(subtree)}`;
}

/** The frames that a peer may send. */
function kindsFrom(schedule: BucketSchedule, rank: number, from: number): readonly FrameKind[] {
  if (!groupPeers(schedule, rank).includes(from)) return ['group-partial', 'group-reduced'];
  return schedule.ownership === 'replicated' ? ['partial'] : ['partial', 'reduced'];
}

export function createFrameInlet(options: FrameInletOptions): FrameSink {
  const { rank, from, schedule, format, arrivals, latch, nameOf } = options;
  const kinds = kindsFrom(schedule, rank, from);
  let open:
    { header: ReceivedHeader; arrival: Arrival; start: number; values: Float32Array; place: Uint8Array } | undefined;
  let { staging } = options;

  const refuse = (header: FrameHeader, what: string, actual: number | string, expected: number | string): never => {
    throw new TrainingError(
      'FRAME_INVALID',
      `${nameOf(rank)} got a frame from ${nameOf(from)} with ${what} ${actual}, expected ${expected} (step ${header.step}, bucket ${header.bucket})`,
    );
  };

  const checkOrigin = (header: ReceivedHeader): void => {
    const step = options.currentStep();
    if (header.run !== options.run) refuse(header, 'run', header.run, options.run);
    if (header.generation !== options.generation) refuse(header, 'generation', header.generation, options.generation);
    if (header.step !== step && header.step !== step + 1) refuse(header, 'step', header.step, `${step} or ${step + 1}`);
    if (header.bucket >= schedule.buckets.length)
      refuse(header, 'bucket', header.bucket, `below ${schedule.buckets.length}`);
    if (header.format !== format.name) refuse(header, 'format', header.format, format.name);
    if (!kinds.includes(header.kind)) refuse(header, 'kind', header.kind, kinds.join(' or '));
  };

  /** What of the bucket the frame is a part of. */
  const checkPlace = (header: ReceivedHeader): Slice => {
    const isSum = header.kind === 'partial' || header.kind === 'group-partial';
    const owner = isSum ? rank : from;
    if (header.owner !== owner) refuse(header, 'owner', header.owner, owner);
    const allowed = subtreesIn(header);
    const key = subtreeKey(header.subtree);
    if (!allowed.some((subtree) => subtreeKey(subtree) === key))
      refuse(header, 'sub-tree', key, allowed.map(subtreeKey).join(' or '));
    const slice = isFromIdle(header) ? NOTHING : sliceOf(schedule, header);
    const length = lengthOf(slice);
    if (header.offset + header.count > length)
      refuse(header, 'values up to', header.offset + header.count, `at most ${length}`);
    if (header.offset % format.alignment !== 0)
      refuse(header, 'values from', header.offset, `a multiple of ${format.alignment}`);
    return slice;
  };

  /** The contribution of a rank without a micro-batch: an empty frame. */
  const isFromIdle = ({ kind, step }: ReceivedHeader): boolean =>
    kind === 'partial' && isIdle(options.microBatches(step), schedule.split, from);

  const subtreesIn = (header: ReceivedHeader): Subtree[] => {
    const { kind, step } = header;
    const total = options.microBatches(step);
    const { split, groupSize } = schedule;
    if (isFromIdle(header)) return [rootOf(total)];
    if (kind === 'partial') return subtreesOf(rangeOfRank(total, split, from), total);
    if (kind === 'group-partial') return subtreesOfGroup(total, split, groupSize, from);
    return [rootOf(total)];
  };

  const attempt = <T>(action: () => T): T | undefined => {
    if (latch.failure !== undefined) return undefined;
    try {
      return action();
    } catch (caught) {
      latch.fail(TrainingError.from(caught, 'FRAME_INVALID'));
      return undefined;
    }
  };

  return {
    begin: (encoded, length) =>
      attempt(() => {
        const header = decodeHeader(encoded);
        checkOrigin(header);
        const slice = checkPlace(header);
        const start = slice.start + header.offset;
        const bytes = format.encodedBytes(start, header.count);
        if (length !== undefined && length !== bytes) refuse(header, 'bytes of values', length, bytes);
        const key = arrivalKey(from, header.kind, header.bucket, header.subtree);
        const arrival = arrivals.of(header.step, key, lengthOf(slice));
        // A contribution comes once and in order: what is there already may have been added.
        if (header.offset !== arrival.received) refuse(header, 'values from', header.offset, arrival.received);
        const values = arrival.values.subarray(header.offset, header.offset + header.count);
        if (!format.isPlain && staging.length < bytes) staging = new Uint8Array(bytes);
        const place = format.isPlain ? bytesOf(values) : staging.subarray(0, bytes);
        open = { header, arrival, start, values, place };
        return place;
      }),
    end() {
      attempt(() => {
        if (open === undefined) throw new TrainingError('INTERNAL', 'a frame ended that had not begun');
        const { header, arrival, start, values, place } = open;
        open = undefined;
        const actual = checksum(place);
        if (actual !== header.checksum) refuse(header, 'checksum', actual.toString(16), header.checksum.toString(16));
        if (!format.isPlain) format.decode(place, start, values);
        options.onBytes(FRAME_HEADER_BYTES + place.length);
        arrival.received += header.count;
        if (arrival.received === arrival.values.length) arrival.resolve();
      });
    },
  };
}
