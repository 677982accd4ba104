/**
 * Reading checkpoints. A reader believes nothing that it has not hashed, so a damaged checkpoint is named and the one
 * before it is used. Any number of processes may read while one writes; nothing here changes the disk.
 */
import { join } from 'node:path';
import {
  TrainingError,
  type CheckpointInfo,
  type FileSeal,
  type ParameterLayout,
  type RunFile,
  type TensorFileName,
  type TrainingState,
} from '@facet/shared';
import { readWholeFile } from '../durable-files.js';
import { listCheckpoints, stepName, stepOf } from './checkpoint-names.js';
import { readRunFile } from './run-file.js';
import { sha256 } from './sha256.js';
import { decodeState } from './state-files.js';

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
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  try {
    return await readVerified(path);
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

/** True for an error that says that a checkpoint is damaged, and not that something else went wrong. */
export function isDamage(caught: unknown): caught is TrainingError {
  return caught instanceof TrainingError && caught.code === 'CHECKPOINT_INVALID';
}

async function readVerified(path: string): Promise<Checkpoint> {
  const runBytes = await readFileOf(path, 'run.json');
  const runFile = readRunFile(new TextDecoder().decode(runBytes));
  const { layout, step, weightsSha256 } = runFile;
  const namedStep = stepOf(path);
  if (namedStep !== undefined && namedStep !== step) {
    throw invalid(`run.json is of step ${step}, expected ${namedStep} as the folder's name says`);
  }
  const { files: seals } = runFile;
  const average = seals['ema.safetensors'];
  const files = {
    'model.safetensors': await readSealed(path, 'model.safetensors', seals['model.safetensors']),
    'optimizer.safetensors': await readSealed(path, 'optimizer.safetensors', seals['optimizer.safetensors']),
    ...(average !== undefined && { 'ema.safetensors': await readSealed(path, 'ema.safetensors', average) }),
  };
  const state = decodeState({ files, layout, step });
  const actual = await sha256(new Uint8Array(state.weights.buffer));
  if (actual !== weightsSha256) {
    throw invalid(`model.safetensors holds weights with SHA-256 ${actual}, expected ${weightsSha256}`);
  }
  const bytes = Object.values(files).reduce((sum, content) => sum + content.byteLength, runBytes.byteLength);
  return { path, state, layout, info: infoOf(runFile), weightsSha256, bytes };
}

async function readSealed(path: string, name: TensorFileName, expected: FileSeal): Promise<Uint8Array> {
  const bytes = await readFileOf(path, name);
  if (bytes.byteLength !== expected.bytes) {
    throw invalid(`${name} has ${bytes.byteLength} bytes, expected ${expected.bytes}`);
  }
  const actual = await sha256(bytes);
  if (actual !== expected.sha256) throw invalid(`${name} has SHA-256 ${actual}, expected ${expected.sha256}`);
  return bytes;
}

async function readFileOf(path: string, name: string): Promise<Uint8Array> {
  try {
    return await readWholeFile(join(path, name));
  } catch (caught) {
    const { code, message } = caught as NodeJS.ErrnoException;
    throw invalid(code === 'ENOENT' ? `${name} is missing` : `${name} cannot be read: ${message}`, { cause: caught });
  }
}

function infoOf({ run, step, epoch, config, codeVersion, ledgerStep, metrics, engines, at }: RunFile): CheckpointInfo {
  return { run, step, epoch, config, codeVersion, ledgerStep, metrics, ...(engines && { engines }), at };
}

function invalid(fault: string, options?: ErrorOptions): TrainingError {
  return new TrainingError('CHECKPOINT_INVALID', `${fault}; use another checkpoint`, options);
}
