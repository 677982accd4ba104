/**
 * One micro-batch as it travels over NATS: a fixed little-endian header, the sample ids, and with `data: stream` the samples
 * (samples/sample-fields.ts). A CRC-32 over all of that is at its end. The decoder checks every length before it uses it.
 *
 *   0 u32 magic "FCT1"   4 u8 kind (1 train, 2 evaluate)   5 u8 hasSamples   6 u16 zero   8 u32 generation
 *   12 u32 epoch   16 u32 step   20 u32 index   24 u32 count   28 u32 bytesPerSample   32 ids, samples   ... u32 crc
 */
import { crc32 } from '../crc32.js';
import { TrainingError } from '../errors.js';

const MAGIC = 0x31544346;
const HEADER_BYTES = 32;
const CRC_BYTES = 4;
/** Larger counts are refused before anything is allocated for them. */
const MAX_SAMPLES = 65_536;

export interface ShardMessage {
  readonly kind: 'train' | 'evaluate';
  readonly generation: number;
  /** From 0. */
  readonly epoch: number;
  readonly step: number;
  /** Index of the micro-batch in its step or evaluation. */
  readonly index: number;
  /** [count] */
  readonly ids: Uint32Array;
  /** Absent with `data: local`: the packed samples, [count * bytes of one]. */
  readonly samples?: Uint8Array;
}

/** Bytes of an encoded message. */
export function shardMessageBytes(count: number, bytesPerSample: number | undefined): number {
  const perSample = 4 + (bytesPerSample ?? 0);
  return HEADER_BYTES + count * perSample + CRC_BYTES;
}

/** A message that is to be encoded: its samples may come in parts. */
export interface ShardContent extends Omit<ShardMessage, 'samples'> {
  readonly samples?: Uint8Array | readonly Uint8Array[];
}

/** @param room bytes behind the message that stay free, such as for a seal */
export function encodeShardMessage(message: ShardContent, room = 0): Uint8Array {
  const { ids, samples } = message;
  const parts = samples instanceof Uint8Array ? [samples] : samples;
  const bytesPerSample = parts && parts.reduce((sum, part) => sum + part.length, 0) / ids.length;
  const whole = new Uint8Array(shardMessageBytes(ids.length, bytesPerSample) + room);
  const bytes = whole.subarray(0, whole.length - room);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, message.kind === 'train' ? 1 : 2);
  view.setUint8(5, parts === undefined ? 0 : 1);
  view.setUint32(8, message.generation, true);
  view.setUint32(12, message.epoch, true);
  view.setUint32(16, message.step, true);
  view.setUint32(20, message.index, true);
  view.setUint32(24, ids.length, true);
  view.setUint32(28, bytesPerSample ?? 0, true);
  ids.forEach((id, i) => {
    view.setUint32(HEADER_BYTES + 4 * i, id, true);
  });
  let at = HEADER_BYTES + 4 * ids.length;
  for (const part of parts ?? []) {
    bytes.set(part, at);
    at += part.length;
  }
  view.setUint32(bytes.length - CRC_BYTES, crc32(bytes.subarray(0, bytes.length - CRC_BYTES)), true);
  return whole;
}

/**
 * Decodes a message; samples are a view of it.
 *
 * @throws TrainingError SHARD_INVALID naming the field that is wrong.
 */
export function decodeShardMessage(bytes: Uint8Array): ShardMessage {
  if (bytes.length < HEADER_BYTES + CRC_BYTES) {
    throw invalid(`a shard message has ${bytes.length} bytes; the header alone needs ${HEADER_BYTES + CRC_BYTES}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0, true);
  if (magic !== MAGIC)
    throw invalid(`a shard message starts with 0x${magic.toString(16)}, expected 0x${MAGIC.toString(16)}`);
  const kind = view.getUint8(4);
  const hasSamples = view.getUint8(5);
  if (kind !== 1 && kind !== 2) throw invalid(`a shard message has kind ${kind}, expected 1 or 2`);
  if (hasSamples > 1) throw invalid(`a shard message has sample flag ${hasSamples}, expected 0 or 1`);
  const count = view.getUint32(24, true);
  if (count === 0 || count > MAX_SAMPLES)
    throw invalid(`a shard message has ${count} samples, expected 1 to ${MAX_SAMPLES}`);
  const bytesPerSample = view.getUint32(28, true);
  const expected = shardMessageBytes(count, hasSamples === 1 ? bytesPerSample : undefined);
  if (bytes.length !== expected) {
    throw invalid(`a shard message of ${count} samples has ${bytes.length} bytes, expected ${expected}`);
  }
  const stated = view.getUint32(bytes.length - CRC_BYTES, true);
  const actual = crc32(bytes.subarray(0, bytes.length - CRC_BYTES));
  if (stated !== actual)
    throw invalid(`a shard message has checksum ${actual.toString(16)}, expected ${stated.toString(16)}`);

  const samplesAt = HEADER_BYTES + 4 * count;
  return {
    kind: kind === 1 ? 'train' : 'evaluate',
    generation: view.getUint32(8, true),
    epoch: view.getUint32(12, true),
    step: view.getUint32(16, true),
    index: view.getUint32(20, true),
    ids: Uint32Array.from({ length: count }, (_, i) => view.getUint32(HEADER_BYTES + 4 * i, true)),
    ...(hasSamples === 1 && {
      samples: bytes.subarray(samplesAt, samplesAt + count * bytesPerSample),
    }),
  };
}

function invalid(message: string): TrainingError {
  return new TrainingError('SHARD_INVALID', `${message}; the message was damaged or comes from another version`);
}

/** The JetStream stream of a run. */
export function shardStreamName(run: string): string {
  return `FACET_${run}`;
}

/** The subject on which a rank of a generation gets its shards. */
export function shardSubject(run: string, generation: number, rank: number): string {
  return `facet.${run}.shard.g${generation}.r${rank}`;
}

/** All shard subjects of a run. */
export function shardSubjectFilter(run: string): string {
  return `facet.${run}.shard.>`;
}
