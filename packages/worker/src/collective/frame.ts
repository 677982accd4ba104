/**
 * One frame of the all-reduce as it travels between workers: a fixed little-endian header and float32 values. A frame says
 * everything about itself, so that a stale or foreign one is refused with a reason. docs/protocol.md has the layout too.
 *
 *   0 u32 magic "FAR1"   4 u32 run   8 u32 generation   12 u32 step   16 u16 bucket   18 u16 chunk   20 u8 kind (1 partial,
 *   2 reduced)   21 u8 level   22 u16 zero   24 u32 index   28 u32 offset   32 u32 count   36 u32 crc of the values   40 values
 */
import { crc32, TrainingError } from '@facet/shared';
import type { Subtree } from './schedule/reduction-tree.js';

const MAGIC = 0x31524146;
export const FRAME_HEADER_BYTES = 40;

export interface FrameHeader {
  /** CRC-32 of the run's name. */
  readonly run: number;
  readonly generation: number;
  readonly step: number;
  readonly bucket: number;
  /** Rank that owns the chunk. */
  readonly chunk: number;
  /** `partial` goes to the owner of a chunk, `reduced` comes from it. */
  readonly kind: 'partial' | 'reduced';
  /** Which sub-tree a partial sums; the root for a reduced chunk. */
  readonly subtree: Subtree;
  /** First element within the chunk. */
  readonly offset: number;
}

export interface Frame extends FrameHeader {
  readonly count: number;
  /** Little-endian float32, not aligned. */
  readonly payload: Buffer;
}

/** The word by which frames name a run. */
export function runWord(run: string): number {
  return crc32(Buffer.from(run));
}

/** Encodes a frame; the values are copied. */
export function encodeFrame(header: FrameHeader, values: Float32Array): Buffer {
  const payload = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  frame.writeUInt32LE(MAGIC, 0);
  frame.writeUInt32LE(header.run, 4);
  frame.writeUInt32LE(header.generation, 8);
  frame.writeUInt32LE(header.step, 12);
  frame.writeUInt16LE(header.bucket, 16);
  frame.writeUInt16LE(header.chunk, 18);
  frame.writeUInt8(header.kind === 'partial' ? 1 : 2, 20);
  frame.writeUInt8(header.subtree.level, 21);
  frame.writeUInt16LE(0, 22);
  frame.writeUInt32LE(header.subtree.index, 24);
  frame.writeUInt32LE(header.offset, 28);
  frame.writeUInt32LE(values.length, 32);
  frame.writeUInt32LE(crc32(payload), 36);
  payload.copy(frame, FRAME_HEADER_BYTES);
  return frame;
}

/**
 * Decodes a frame and checks its length and checksum; the payload is a view.
 *
 * @throws TrainingError FRAME_INVALID with the actual and the expected value.
 */
export function decodeFrame(bytes: Buffer): Frame {
  if (bytes.length < FRAME_HEADER_BYTES) {
    throw invalid(`a frame has ${bytes.length} bytes, the header alone needs ${FRAME_HEADER_BYTES}`);
  }
  const magic = bytes.readUInt32LE(0);
  if (magic !== MAGIC) throw invalid(`a frame starts with 0x${magic.toString(16)}, expected 0x${MAGIC.toString(16)}`);
  const kind = bytes.readUInt8(20);
  if (kind !== 1 && kind !== 2) throw invalid(`a frame has kind ${kind}, expected 1 or 2`);
  const count = bytes.readUInt32LE(32);
  const payload = bytes.subarray(FRAME_HEADER_BYTES);
  if (payload.length !== count * Float32Array.BYTES_PER_ELEMENT) {
    throw invalid(
      `a frame of ${count} values carries ${payload.length} bytes, expected ${count * Float32Array.BYTES_PER_ELEMENT}`,
    );
  }
  const stated = bytes.readUInt32LE(36);
  const actual = crc32(payload);
  if (stated !== actual)
    throw invalid(`a frame's values have checksum ${actual.toString(16)}, expected ${stated.toString(16)}`);
  return {
    run: bytes.readUInt32LE(4),
    generation: bytes.readUInt32LE(8),
    step: bytes.readUInt32LE(12),
    bucket: bytes.readUInt16LE(16),
    chunk: bytes.readUInt16LE(18),
    kind: kind === 1 ? 'partial' : 'reduced',
    subtree: { level: bytes.readUInt8(21), index: bytes.readUInt32LE(24) },
    offset: bytes.readUInt32LE(28),
    count,
    payload,
  };
}

function invalid(message: string): TrainingError {
  return new TrainingError('FRAME_INVALID', `${message}; it was damaged on the way or comes from another version`);
}
