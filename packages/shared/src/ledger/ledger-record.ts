/**
 * The ledger's records and their text. One record is one line of JSON whose last member is the CRC-32 of the rest, so
 * that a flipped line is known from the line alone; the member before it is the SHA-256 of the line before
 * (ledger-chain.ts). Sample ids are base64 of little-endian u32: 5.3 characters an id, whatever its size. What the records
 * mean together is check-ledger's matter, not this file's.
 */
import { z } from 'zod';
import { changeMembers } from '../config/change-schema.js';
import { crc32, formatCrc32 } from '../crc32.js';
import { TrainingError } from '../errors.js';
import { parseJson } from '../parse-json.js';

const BYTES_PER_ID = 4;

/** The order of an epoch and what was committed of it are in memory, so a ledger that asks for more than this is refused. */
const MAX_EPOCHS = 1_000_000;
const MAX_TRAIN_SAMPLES = 1 << 28;

const at = z.iso.datetime();
const count = z.int().nonnegative();
const positive = z.int().positive();
const committedStep = positive;
const ratio = z.number().min(0).max(1);
const crcText = z.string().regex(/^[0-9a-f]{8}$/, 'expected 8 lower-case hex digits');
const sha256Text = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');

const uint32Array = z.custom<Uint32Array>((value) => value instanceof Uint32Array, 'expected a Uint32Array');

const sampleIds = z.codec(z.base64(), uint32Array, {
  decode: (text, context) => {
    const bytes = Buffer.from(text, 'base64');
    if (bytes.byteLength % BYTES_PER_ID === 0) return readIds(bytes);
    context.issues.push({
      code: 'custom',
      input: text,
      message: `expected a multiple of ${BYTES_PER_ID} bytes, found ${bytes.byteLength}`,
    });
    return z.NEVER;
  },
  encode: (ids) => {
    const bytes = Buffer.alloc(ids.length * BYTES_PER_ID);
    ids.forEach((id, index) => bytes.writeUInt32LE(id, index * BYTES_PER_ID));
    return bytes.toString('base64');
  },
});

function readIds(bytes: Buffer): Uint32Array {
  return Uint32Array.from({ length: bytes.byteLength / BYTES_PER_ID }, (_, index) =>
    bytes.readUInt32LE(index * BYTES_PER_ID),
  );
}

/** The task's own figures, by name: means over the samples of a split. */
const means = z.record(z.string().min(1), z.number());

/** What a step came to beside its weights, so that a run that goes on knows its totals; absent in version 1. */
const effort = {
  /** Samples that the model answered right before the update. */
  correct: count.optional(),
  /** Further sums of the task over the samples of the step, by name. */
  metrics: z.record(z.string().min(1), z.number()).optional(),
  /** Training time since the step before, without evaluation. */
  seconds: z.number().nonnegative().optional(),
  /** Bytes that workers had sent each other since the record before, as they reported them. */
  bytesExchanged: count.optional(),
  /** Norm of the mean gradient before it is clipped. */
  gradientNorm: z.number().nonnegative().optional(),
  /** What the member that reported the step first spent on its parts, in milliseconds. */
  partsMs: z
    .strictObject({
      shardWait: z.number().nonnegative(),
      compute: z.number().nonnegative(),
      allReduce: z.number().nonnegative(),
      update: z.number().nonnegative(),
    })
    .optional(),
};

/** A member of a generation; its place in the list is its rank. */
const member = z.strictObject({
  workerId: z.string().min(1),
  host: z.string(),
  engine: z.string(),
  device: z.string(),
});

const ledgerRecord = z.discriminatedUnion('kind', [
  /** Always the first line: what the run is, and so what the checker expects of it. */
  z.strictObject({
    kind: z.literal('run'),
    /** From 2 on every line states the one before it, and commits say how many answers were right and how long they took. */
    version: z.union([z.literal(1), z.literal(2)]),
    run: z.string().min(1),
    dataset: z.string().min(1),
    datasetSha256: sha256Text,
    /** Samples of an epoch: the ids from 0 on that are not held out. */
    trainSamples: positive.max(MAX_TRAIN_SAMPLES),
    /** Ids that must never be committed, ascending; absent when there are none. */
    heldOut: sampleIds.optional(),
    seed: z.int(),
    globalBatch: positive,
    microBatch: positive,
    epochs: positive.max(MAX_EPOCHS),
    configSha256: sha256Text,
    at,
  }),
  /** A step that counts: its samples, the mean training loss over them, the CRC-32 of the flat weights after it. */
  z.strictObject({
    kind: z.literal('commit'),
    step: committedStep,
    epoch: count,
    generation: count,
    samples: sampleIds,
    loss: z.number(),
    weightsCrc: crcText,
    /** Of the first moments, then of the second; absent in ledgers of earlier versions. */
    momentsCrc: crcText.optional(),
    ...effort,
    at,
  }),
  /** A committed step that was computed again after a fault or a resume; never counted. */
  z.strictObject({
    kind: z.literal('replay'),
    step: committedStep,
    generation: count,
    weightsCrc: crcText,
    ...effort,
    at,
  }),
  z.strictObject({
    kind: z.literal('evaluation'),
    step: count,
    epoch: count,
    /** Absent where answers are no classes. */
    testAccuracy: ratio.optional(),
    testLoss: z.number(),
    metrics: means.optional(),
    at,
  }),
  /** An evaluation on the held-out images, for runs that leave the test split alone. */
  z.strictObject({
    kind: z.literal('held-out-evaluation'),
    step: count,
    epoch: count,
    heldOutAccuracy: ratio.optional(),
    heldOutLoss: z.number(),
    metrics: means.optional(),
    at,
  }),
  z.strictObject({ kind: z.literal('checkpoint'), step: count, weightsSha256: sha256Text, at }),
  z.strictObject({
    kind: z.literal('fault'),
    generation: count,
    step: count,
    code: z.string().min(1),
    message: z.string(),
    at,
  }),
  /** A worker asked to leave and was let go: no fault, nothing of it was lost. */
  z.strictObject({ kind: z.literal('leave'), generation: count, step: count, workerId: z.string().min(1), at }),
  z.strictObject({ kind: z.literal('resume'), fromStep: count, at }),
  /** Members begin to train together, after a step. */
  z.strictObject({ kind: z.literal('generation'), generation: count, step: count, members: z.array(member), at }),
  /** What a resume changed, and from which step on it holds. It stands before the commit of the first such step. */
  z.strictObject({ kind: z.literal('change'), ...changeMembers, at }),
  z.strictObject({ kind: z.literal('end'), reason: z.enum(['finished', 'stopped', 'failed']), step: count, at }),
]);

/** One record of the ledger. Steps are 1-based, epochs 0-based, `at` is an ISO time in UTC that the caller read. */
export type LedgerRecord = z.output<typeof ledgerRecord>;

/** The ledger's first record. */
export type RunRecord = Extract<LedgerRecord, { kind: 'run' }>;

/** What a resume changed. */
export type ChangeRecord = Extract<LedgerRecord, { kind: 'change' }>;

/** Who trains together from now on. */
export type GenerationRecord = Extract<LedgerRecord, { kind: 'generation' }>;

/** The record of one committed step. */
export type CommitRecord = Extract<LedgerRecord, { kind: 'commit' }>;

/**
 * A line that was read. `damage` tells a line whose checksum fails ('checksum': torn or flipped) from an intact one that
 * this version does not understand ('content').
 */
export type ParsedRecord =
  | {
      readonly ok: true;
      readonly record: LedgerRecord;
      /** SHA-256 of the line before; undefined for a first line and for lines of version 1. */
      readonly before: string | undefined;
    }
  | { readonly ok: false; readonly damage: 'checksum' | 'content'; readonly reason: string };

/**
 * Writes a record as one line, without the newline.
 *
 * @param before SHA-256 of the line before, with its newline; undefined for the first one
 * @throws TrainingError INTERNAL when the record breaks its own schema (a NaN loss, a step of 0).
 */
export function formatRecord(record: LedgerRecord, before?: string): string {
  const encoded = z.safeEncode(ledgerRecord, record);
  if (!encoded.success) {
    throw new TrainingError(
      'INTERNAL',
      `cannot write a ${record.kind} record to the ledger: ${describe(encoded.error)}`,
    );
  }
  const body = JSON.stringify(before === undefined ? encoded.data : { ...encoded.data, before });
  return `${body.slice(0, -1)},"crc":"${checksum(body)}"}`;
}

/** Reads a line without its newline. Every byte counts: a line that any edit touched is refused. */
export function parseRecord(line: string): ParsedRecord {
  const parts = /^(\{.*),"crc":"([0-9a-f]{8})"\}$/s.exec(line);
  if (parts === null) return { ok: false, damage: 'checksum', reason: 'the line does not end with a checksum' };
  const body = `${parts[1]}}`;
  const actual = checksum(body);
  if (actual !== parts[2]) {
    return { ok: false, damage: 'checksum', reason: `the line's checksum is ${actual}, expected ${parts[2]}` };
  }
  const { before, ...content } = asMembers(parseJson(body));
  const parsed = ledgerRecord.safeParse(content);
  if (!parsed.success) return { ok: false, damage: 'content', reason: describe(parsed.error) };
  const stated = sha256Text.optional().safeParse(before);
  if (!stated.success) return { ok: false, damage: 'content', reason: `before: ${describe(stated.error)}` };
  return { ok: true, record: parsed.data, before: stated.data };
}

function asMembers(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function checksum(body: string): string {
  return formatCrc32(crc32(new TextEncoder().encode(body)));
}

function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'record'}: ${issue.message}`).join('; ');
}
