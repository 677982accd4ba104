/**
 * One frame of the all-reduce: a fixed little-endian header, then values in the run's format. The header identifies the frame,
 * so that a stale or foreign one is refused with a reason. docs/protocol.md has the layout too. Header and values are separate
 * here, so that a transport need not copy the values.
 *
 *   0 u32 magic "FAR3"   4 u32 run   8 u32 generation   12 u32 step   16 u16 bucket   18 u16 owner   20 u8 kind (from 1,
 *   FRAME_KINDS)   21 u8 level   22 u8 format   23 u8 zero   24 u32 index   28 u32 offset   32 u32 count   36 u32 checksum of the
 *   encoded values   40 encoded values
 */
import { crc32, GRADIENT_FORMATS, TrainingError, type GradientFormatName } from '@facet/shared';
import { checksum } from './float-kernels.js';
import type { Subtree } from './schedule/reduction-tree.js';

const MAGIC = 0x33524146;
export const FRAME_HEADER_BYTES = 40;

/**
 * Sums on their way to the owner of a share (`partial`) or of a chunk (`group-partial`), and what is reduced on its way back: chunks
 * between groups (`group-reduced`), shares within one (`reduced`). The order is that of the codes, from 1.
 */
export const FRAME_KINDS = ['partial', 'reduced', 'group-partial', 'group-reduced'] as const;
export type FrameKind = (typeof FRAME_KINDS)[number];

export interface FrameHeader {
  /** CRC-32 of the run's name. */
  readonly run: number;
  readonly generation: number;
  readonly step: number;
  readonly bucket: number;
  /** Rank that owns the share or chunk. */
  readonly owner: number;
  readonly kind: FrameKind;
  /** Which sub-tree a sum is of; the root for what is reduced. */
  readonly subtree: Subtree;
  /** First element within the share or chunk. */
  readonly offset: number;
  readonly format: GradientFormatName;
  /** Elements. */
  readonly count: number;
}

/** A header as it came, with what it says about the values behind it. */
export interface ReceivedHeader extends FrameHeader {
  readonly checksum: number;
}

/** Where a transport brings the frames of one peer: first the header, then the values into the place it is given. */
export interface FrameSink {
  /**
   * The place for the values; undefined when the frame is refused, and then no other one is wanted.
   *
   * @param length bytes of the values, when the transport knows it
   */
  begin(header: Buffer, length?: number): Uint8Array | undefined;
  /** All values are in their place. */
  end(): void;
}

/** The word by which frames name a run. */
export function runWord(run: string): number {
  return crc32(Buffer.from(run));
}

/** Encodes the header of a frame with these encoded values. */
export function encodeHeader(header: FrameHeader, values: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes.writeUInt32LE(header.run, 4);
  bytes.writeUInt32LE(header.generation, 8);
  bytes.writeUInt32LE(header.step, 12);
  bytes.writeUInt16LE(header.bucket, 16);
  bytes.writeUInt16LE(header.owner, 18);
  bytes.writeUInt8(FRAME_KINDS.indexOf(header.kind) + 1, 20);
  bytes.writeUInt8(header.subtree.level, 21);
  bytes.writeUInt8(GRADIENT_FORMATS.indexOf(header.format), 22);
  bytes.writeUInt8(0, 23);
  bytes.writeUInt32LE(header.subtree.index, 24);
  bytes.writeUInt32LE(header.offset, 28);
  bytes.writeUInt32LE(header.count, 32);
  bytes.writeUInt32LE(checksum(values), 36);
  return bytes;
}

/**
 * Decodes a header.
 *
 * @throws TrainingError FRAME_INVALID with the actual and the expected value.
 */
export function decodeHeader(bytes: Buffer): ReceivedHeader {
  if (bytes.length !== FRAME_HEADER_BYTES) {
    throw damaged(`a frame's header has ${bytes.length} bytes, expected ${FRAME_HEADER_BYTES}`);
  }
  const magic = bytes.readUInt32LE(0);
  if (magic !== MAGIC) throw damaged(`a frame starts with 0x${magic.toString(16)}, expected 0x${MAGIC.toString(16)}`);
  const kind = FRAME_KINDS[bytes.readUInt8(20) - 1];
  if (kind === undefined) throw damaged(`a frame has kind ${bytes.readUInt8(20)}, expected 1 to ${FRAME_KINDS.length}`);
  const format = GRADIENT_FORMATS[bytes.readUInt8(22)];
  if (format === undefined)
    throw damaged(`a frame has format ${bytes.readUInt8(22)}, expected one of ${GRADIENT_FORMATS.length}`);
  return {
    run: bytes.readUInt32LE(4),
    generation: bytes.readUInt32LE(8),
    step: bytes.readUInt32LE(12),
    bucket: bytes.readUInt16LE(16),
    owner: bytes.readUInt16LE(18),
    kind,
    subtree: { level: bytes.readUInt8(21), index: bytes.readUInt32LE(24) },
    offset: bytes.readUInt32LE(28),
    format,
    count: bytes.readUInt32LE(32),
    checksum: bytes.readUInt32LE(36),
  };
}

/** Header and values in one piece, copied. */
export function wholeFrame(header: Buffer, values: Uint8Array): Buffer {
  return Buffer.concat([header, values]);
}

/** Brings a whole frame to a sink; false when it was refused. */
export function deliver(frame: Buffer, sink: FrameSink): boolean {
  const values = frame.subarray(FRAME_HEADER_BYTES);
  const place = sink.begin(frame.subarray(0, FRAME_HEADER_BYTES), values.length);
  if (place === undefined) return false;
  place.set(values);
  sink.end();
  return true;
}

function damaged(what: string): TrainingError {
  return new TrainingError('FRAME_INVALID', `${what}; it was damaged on the way or comes from another version`);
}
