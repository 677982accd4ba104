/**
 * What a checkpoint says: the state that training goes on from, the facts about it, and the schema of its run.json. Pure
 * words and checks; hashing, files and folders are the checkpoint store's.
 */
import { z } from 'zod';
import { crc32, formatCrc32 } from './crc32.js';
import type { ParameterLayout } from './flat-tensors.js';
import type { ImageShape } from './image-shape.js';
import { FIELD_TYPES, type SampleFields } from './samples/sample-fields.js';

/** Everything that the next step needs: flat weights, the optimizer's flat moments, and the average of the weights. */
export interface TrainingState {
  /** The last step whose update is in the weights; 0 before the first. */
  readonly step: number;
  readonly weights: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  /** Exponential moving average of the weights; absent when the run keeps none (`optimizer.emaDecay: 0`). */
  readonly ema?: Float32Array;
}

/** The flat buffers of a state in the order in which they travel and are stored. */
export function stateParts({ weights, m, v, ema }: Omit<TrainingState, 'step'>): readonly Float32Array[] {
  return ema === undefined ? [weights, m, v] : [weights, m, v, ema];
}

/**
 * CRC-32 that all ranks compare at every commit. It covers the little-endian bytes of the flat weights, then of their
 * average if there is one.
 */
export function stateCrc({ weights, ema }: Pick<TrainingState, 'weights' | 'ema'>): number {
  const crc = crc32(bytesOf(weights));
  return ema === undefined ? crc : crc32(bytesOf(ema), crc);
}

/**
 * CRC-32 of the rest of a state: the little-endian bytes of the first moments, then of the second. With `stateCrc` it covers every
 * value from which the next step is computed.
 */
export function momentsCrc({ m, v }: Pick<TrainingState, 'm' | 'v'>): number {
  return crc32(bytesOf(v), crc32(bytesOf(m)));
}

/** The checksums of a state as its holder noted them when it came to be. */
export interface StateChecks {
  /** See `stateCrc`. */
  readonly weightsCrc: number;
  /** See `momentsCrc`. */
  readonly momentsCrc: number;
}

/** A state as it is handed out. */
export interface StateSnapshot extends TrainingState, StateChecks {}

/** How the weights differ from what was noted, in words; undefined when they do not. */
export function changeOfWeights(state: Pick<StateSnapshot, 'weights' | 'ema' | 'weightsCrc'>): string | undefined {
  return describeChange('the weights', stateCrc(state), state.weightsCrc);
}

/** The same of the weights, or else of the moments. */
export function changeOfState(state: Omit<StateSnapshot, 'step'>): string | undefined {
  return changeOfWeights(state) ?? describeChange('the moments', momentsCrc(state), state.momentsCrc);
}

function describeChange(what: string, actual: number, expected: number): string | undefined {
  if (actual === expected) return undefined;
  return `${what} have checksum ${formatCrc32(actual)}, expected ${formatCrc32(expected)}`;
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** How rows are read that belong to a table of samples. */
export interface TableFacts {
  /** The columns of the numbers, in the order of the field `features`; without a header by their numbers from 0. */
  readonly columns: readonly string[];
  readonly hasHeader: boolean;
  readonly separator: string;
}

/** What the samples of a run are. It is enough to use the weights where the samples are not. */
export interface SampleFacts {
  readonly fields: SampleFields;
  /** Names of the classes in the order of the labels; empty where samples have no classes. */
  readonly classes: readonly string[];
  /** Where the samples are rows of a table. */
  readonly table?: TableFacts | undefined;
}

/** The facts that a checkpoint keeps beside the state. */
export interface CheckpointInfo {
  readonly run: string;
  readonly step: number;
  /** 0-based. */
  readonly epoch: number;
  /** The resolved config: any JSON value. */
  readonly config: unknown;
  readonly codeVersion: string;
  /** The last step that stood in the ledger when the checkpoint was taken. */
  readonly ledgerStep: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** What the run was computed with so far, such as `onnxruntime/cpu`; absent in checkpoints of earlier versions. */
  readonly engines?: readonly string[] | undefined;
  /** SHA-256 of every program that computed gradients so far; absent in checkpoints of earlier versions. */
  readonly programs?: readonly string[] | undefined;
  /** Size of the images that the run trains on; absent in checkpoints of earlier versions. */
  readonly image?: ImageShape | undefined;
  /** Absent in checkpoints of earlier versions. */
  readonly samples?: SampleFacts | undefined;
  /** ISO time in UTC. */
  readonly at: string;
}

/** The files that run.json vouches for. */
export type TensorFileName = 'model.safetensors' | 'optimizer.safetensors' | 'ema.safetensors';

/** One value per file. A trained model has no optimizer file; a run may keep no average of the weights. */
export type PerFile<T> = Readonly<Record<'model.safetensors', T>> & Readonly<Partial<Record<TensorFileName, T>>>;

/** Size and hash of one file. */
export interface FileSeal {
  readonly bytes: number;
  readonly sha256: string;
}

/** The content of run.json, without the hash over itself. */
export interface RunFile extends CheckpointInfo {
  readonly version: 1;
  /** SHA-256 of the flat little-endian weights. */
  readonly weightsSha256: string;
  readonly files: PerFile<FileSeal>;
  readonly layout: readonly ParameterLayout[];
  /** Set where the folder is a trained model: which weights of the run these are. Nothing can be resumed from it. */
  readonly weights?: EvaluatedWeights;
}

/** Which weights were evaluated: the last ones, or the moving average of a run that keeps one (`optimizer.emaDecay`). */
export type EvaluatedWeights = 'last' | 'average';

const count = z.int().nonnegative();
/** Pixels along one side of an image. */
const MOST_SIDE = 4_096;
const sha256Text = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
const fileSeal = z.strictObject({ bytes: count, sha256: sha256Text });

const sampleFacts = z.strictObject({
  fields: z.record(z.string(), z.strictObject({ shape: z.array(count), type: z.enum(FIELD_TYPES) })),
  classes: z.array(z.string()),
  table: z
    .strictObject({ columns: z.array(z.string()), hasHeader: z.boolean(), separator: z.string().length(1) })
    .optional(),
});

const runFile: z.ZodType<RunFile> = z.strictObject({
  version: z.literal(1),
  run: z.string().min(1),
  step: count,
  epoch: count,
  config: z.json(),
  codeVersion: z.string().min(1),
  ledgerStep: count,
  metrics: z.record(z.string(), z.number()),
  engines: z.array(z.string()).optional(),
  programs: z.array(sha256Text).optional(),
  at: z.iso.datetime(),
  weightsSha256: sha256Text,
  files: z.strictObject({
    'model.safetensors': fileSeal,
    'optimizer.safetensors': fileSeal.exactOptional(),
    'ema.safetensors': fileSeal.exactOptional(),
  }),
  layout: z.array(z.strictObject({ name: z.string(), shape: z.array(count), offset: count, length: count })),
  weights: z.enum(['last', 'average']).exactOptional(),
  image: z
    .strictObject({
      height: count.min(1).max(MOST_SIDE),
      width: count.min(1).max(MOST_SIDE),
      channels: count.min(1).max(4),
    })
    .optional(),
  samples: sampleFacts.optional(),
});

/** Checks the parsed JSON of a run.json; the reason names every member that is wrong. */
export function parseRunFile(
  value: unknown,
): { readonly ok: true; readonly runFile: RunFile } | { readonly ok: false; readonly reason: string } {
  const parsed = runFile.safeParse(value);
  if (parsed.success) return { ok: true, runFile: parsed.data };
  const reason = parsed.error.issues
    .map((issue) => `${issue.path.join('.') || 'content'}: ${issue.message}`)
    .join('; ');
  return { ok: false, reason };
}
