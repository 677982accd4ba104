/**
 * Reads checkpoints. The reader hashes every file before it uses it. A damaged checkpoint is named, and the one before it is
 * used. Any number of processes may read while one writes. Nothing here changes the disk.
 */
import { join } from 'node:path';
import {
  readRegularFile,
  TrainingError,
  type CheckpointInfo,
  type EvaluatedWeights,
  type FileSeal,
  type ParameterLayout,
  type RunFile,
  type TensorFileName,
  type TrainingState,
} from '@facet/shared';
import { listCheckpoints, stepName, stepOf } from './checkpoint-names.js';
import { readRunFile } from './run-file.js';
import { sha256, weightsSha256 } from './sha256.js';
import { decodeState, decodeWeights, type TensorFiles } from './state-files.js';

/** It holds a configuration, and a line for each parameter. */
const MOST_RUN_FILE_BYTES = 16 * 1024 * 1024;

/** A checkpoint of which every byte was verified. */
export interface Checkpoint {
  readonly path: string;
  readonly state: TrainingState;
  readonly layout: readonly ParameterLayout[];
  readonly info: CheckpointInfo;
  /** SHA-256 of the flat little-endian weights. */
  readonly weightsSha256: string;
  /** Of all its files. */
  readonly bytes: number;
}

/** Trained weights of which every byte was verified, from a checkpoint or from a folder that holds nothing else. */
export interface TrainedWeights {
  readonly path: string;
  /** The weights that the run evaluates: their average if the run keeps one, otherwise the last ones. */
  readonly weights: Float32Array;
  readonly evaluatedWeights: EvaluatedWeights;
  readonly layout: readonly ParameterLayout[];
  readonly info: CheckpointInfo;
  /** SHA-256 of the weights in model.safetensors, by which a run is known: of the last ones where these are an average of a run. */
  readonly weightsSha256: string;
}

/** A checkpoint that was passed over. */
export interface SkippedCheckpoint {
  readonly path: string;
  readonly reason: string;
}

/**
 * Reads a checkpoint and verifies every byte of it.
 *
 * @throws TrainingError CHECKPOINT_INVALID naming the file, with the actual and the expected hash or size;
 *   CHECKPOINT_INCOMPATIBLE when it is intact but not of this version.
 */
export function readCheckpoint(path: string): Promise<Checkpoint> {
  return naming(path, () => readVerified(path));
}

/**
 * Reads trained weights and verifies every byte of them.
 *
 * @param path of a checkpoint, or of a folder that `facet export --format safetensors` wrote
 * @throws TrainingError as `readCheckpoint`.
 */
export async function readTrainedWeights(path: string): Promise<TrainedWeights> {
  const runFile = await naming(path, () => readRun(path));
  const { layout, weights: evaluatedWeights } = runFile;
  if (evaluatedWeights === undefined) return trainedWeights(await readCheckpoint(path));
  return naming(path, async () => {
    const files = await readFiles(path, runFile);
    const weights = decodeWeights(files, layout);
    await requireHash(weights, runFile.weightsSha256);
    const { weightsSha256 } = runFile;
    return { path, weights, evaluatedWeights, layout, info: infoOf(runFile), weightsSha256 };
  });
}

/** The weights by which the run of a checkpoint is evaluated. */
export function trainedWeights({ path, state, layout, info, weightsSha256 }: Checkpoint): TrainedWeights {
  const { ema, weights } = state;
  const evaluatedWeights = ema === undefined ? 'last' : 'average';
  return { path, weights: ema ?? weights, evaluatedWeights, layout, info, weightsSha256 };
}

async function naming<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (caught) {
    if (!(caught instanceof TrainingError)) throw caught;
    throw new TrainingError(caught.code, `checkpoint ${path}: ${caught.message}`, { cause: caught });
  }
}

/**
 * The newest checkpoint that is sound, and why newer ones were passed over.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE rather than fall back behind a checkpoint that another version can read.
 */
export async function newestSoundCheckpoint(
  folder: string,
): Promise<{ readonly checkpoint: Checkpoint | undefined; readonly skipped: readonly SkippedCheckpoint[] }> {
  const skipped: SkippedCheckpoint[] = [];
  const { steps } = await listCheckpoints(folder);
  for (const path of steps.map((step) => join(folder, stepName(step)))) {
    try {
      return { checkpoint: await readCheckpoint(path), skipped };
    } catch (caught) {
      if (!isDamage(caught)) throw caught;
      skipped.push({ path, reason: caught.message });
    }
  }
  return { checkpoint: undefined, skipped };
}

/** True for an error that means a damaged checkpoint, false for any other. */
export function isDamage(caught: unknown): caught is TrainingError {
  return caught instanceof TrainingError && caught.code === 'CHECKPOINT_INVALID';
}

async function readRun(path: string): Promise<RunFile & { readonly bytes: number }> {
  const bytes = await readFileOf(path, 'run.json', MOST_RUN_FILE_BYTES);
  const runFile = readRunFile(new TextDecoder().decode(bytes));
  const namedStep = stepOf(path);
  if (namedStep !== undefined && namedStep !== runFile.step) {
    throw invalid(`run.json is of step ${runFile.step}, expected ${namedStep} as the folder's name says`);
  }
  return { ...runFile, bytes: bytes.byteLength };
}

async function readFiles(path: string, { files: seals }: RunFile): Promise<TensorFiles> {
  const optional: { [Name in TensorFileName]?: Uint8Array } = {};
  for (const name of ['optimizer.safetensors', 'ema.safetensors'] as const) {
    if (seals[name] !== undefined) optional[name] = await readSealed(path, name, seals[name]);
  }
  return { ...optional, 'model.safetensors': await readSealed(path, 'model.safetensors', seals['model.safetensors']) };
}

async function readVerified(path: string): Promise<Checkpoint> {
  const runFile = await readRun(path);
  const { layout, step, weightsSha256 } = runFile;
  const files = await readFiles(path, runFile);
  const optimizer = files['optimizer.safetensors'];
  if (optimizer === undefined) {
    throw new TrainingError(
      'CHECKPOINT_INCOMPATIBLE',
      'it holds a trained model without the state of its optimizer, so nothing can be resumed from it; use a checkpoint of a run',
    );
  }
  const state = decodeState({ files: { ...files, 'optimizer.safetensors': optimizer }, layout, step });
  await requireHash(state.weights, weightsSha256);
  const bytes = Object.values(files).reduce((sum, content) => sum + content.byteLength, runFile.bytes);
  return { path, state, layout, info: infoOf(runFile), weightsSha256, bytes };
}

async function requireHash(weights: Float32Array, expected: string): Promise<void> {
  const actual = await weightsSha256(weights);
  if (actual !== expected) {
    throw invalid(`model.safetensors holds weights with SHA-256 ${actual}, expected ${expected}`);
  }
}

async function readSealed(path: string, name: TensorFileName, expected: FileSeal): Promise<Uint8Array> {
  const bytes = await readFileOf(path, name, expected.bytes);
  if (bytes.byteLength !== expected.bytes) {
    throw invalid(`${name} has ${bytes.byteLength} bytes, expected ${expected.bytes}`);
  }
  const actual = await sha256(bytes);
  if (actual !== expected.sha256) throw invalid(`${name} has SHA-256 ${actual}, expected ${expected.sha256}`);
  return bytes;
}

async function readFileOf(path: string, name: string, maxBytes: number): Promise<Uint8Array> {
  try {
    return await readRegularFile(join(path, name), maxBytes);
  } catch (caught) {
    const { code, message } = caught as NodeJS.ErrnoException;
    throw invalid(code === 'ENOENT' ? `${name} is missing` : `${name} cannot be read: ${message}`, { cause: caught });
  }
}

function infoOf({
  run,
  step,
  epoch,
  config,
  codeVersion,
  ledgerStep,
  metrics,
  engines,
  programs,
  image,
  samples,
  at,
}: RunFile): CheckpointInfo {
  const facts = { run, step, epoch, config, codeVersion, ledgerStep, metrics, at };
  return {
    ...facts,
    ...(engines && { engines }),
    ...(programs && { programs }),
    ...(image && { image }),
    ...(samples && { samples }),
  };
}

function invalid(fault: string, options?: ErrorOptions): TrainingError {
  return new TrainingError('CHECKPOINT_INVALID', `${fault}; use another checkpoint`, options);
}
