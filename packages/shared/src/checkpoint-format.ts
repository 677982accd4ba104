/**
 * What a checkpoint says: the state that training goes on from, the facts about it, and the schema of its run.json. Pure
 * words and checks; hashing, files and folders are the checkpoint store's.
 */
import { z } from 'zod';
import type { ParameterLayout } from './flat-tensors.js';

/** Everything that the next step needs: flat weights and the optimizer's flat first and second moments. */
export interface TrainingState {
  /** The last step whose update is in the weights; 0 before the first. */
  readonly step: number;
  readonly weights: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
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
  /** ISO time in UTC. */
  readonly at: string;
}

/** The files that run.json vouches for. */
export type TensorFileName = 'model.safetensors' | 'optimizer.safetensors';

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
  readonly files: Readonly<Record<TensorFileName, FileSeal>>;
  readonly layout: readonly ParameterLayout[];
}

const count = z.int().nonnegative();
const sha256Text = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hex digits');
const fileSeal = z.strictObject({ bytes: count, sha256: sha256Text });

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
  at: z.iso.datetime(),
  weightsSha256: sha256Text,
  files: z.strictObject({ 'model.safetensors': fileSeal, 'optimizer.safetensors': fileSeal }),
  layout: z.array(z.strictObject({ name: z.string(), shape: z.array(count), offset: count, length: count })),
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
