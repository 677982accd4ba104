/**
 * Writes and prunes checkpoints. A checkpoint is a folder that appears whole or not at all: it is written under another name,
 * synced, and renamed. A checkpoint that is removed loses its name first. The caller decides when to take a checkpoint and
 * which step was best. One process writes to a folder, one checkpoint at a time.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type CheckpointInfo,
  type FileSeal,
  makeFolder,
  type ParameterLayout,
  type PerFile,
  PRIVATE_FOLDER,
  syncFolder,
  TrainingError,
  type TrainingState,
  writeDurableFile,
} from '@facet/shared';
import { listCheckpoints, stepName, temporaryPath } from './checkpoint-names.js';
import { isDamage, readCheckpoint, type Checkpoint } from './read-checkpoint.js';
import { formatRunFile } from './run-file.js';
import { sealOf, sha256 } from './sha256.js';
import { encodeState, type StateFiles } from './state-files.js';

/** Temporary folders that this process is at work in, so that pruning leaves them alone. */
const temporaryInUse = new Set<string>();

export interface WriteCheckpointOptions {
  /** The run's checkpoints folder; made when it is missing. */
  readonly folder: string;
  /** Copied before the call first waits: the caller may change its buffers as soon as it holds the promise. */
  readonly state: TrainingState;
  readonly layout: readonly ParameterLayout[];
  readonly info: CheckpointInfo;
}

export interface WrittenCheckpoint {
  readonly path: string;
  /** SHA-256 of the flat little-endian weights. */
  readonly weightsSha256: string;
  /** Of all its files. */
  readonly bytes: number;
  /** From the call until the checkpoint was safe on disk. */
  readonly seconds: number;
  /** False when a sound checkpoint of this step with the same weights stood there already and was kept. */
  readonly isNew: boolean;
}

/**
 * Writes the checkpoint of a step. A sound one of that step is kept, a damaged one is replaced.
 *
 * @throws TrainingError CHECKPOINT_INVALID when state and layout do not agree; DESYNC when a sound checkpoint of this
 *   step holds other weights; CHECKPOINT_INCOMPATIBLE when another version wrote the one that stands there; INTERNAL when
 *   the info cannot be kept as JSON, or the disk refuses, with nothing left behind.
 */
export async function writeCheckpoint(options: WriteCheckpointOptions): Promise<WrittenCheckpoint> {
  const { folder, state, layout, info } = options;
  const startedAt = performance.now();
  const { step } = state;
  if (info.step !== step) {
    throw new TrainingError('INTERNAL', `the checkpoint's info is of step ${info.step}, expected ${step} as its state`);
  }
  const { files, weightBytes } = encodeState(state, layout);
  // Copied through JSON. If the caller changes the object later, hash and file still agree.
  const recordedInfo = JSON.parse(JSON.stringify(info)) as CheckpointInfo;
  const recordedLayout = layout.map(({ name, shape, offset, length }) => ({ name, shape: [...shape], offset, length }));

  const weightsSha256 = await sha256(weightBytes);
  const path = join(folder, stepName(step));
  const existing = await findExisting(folder, step);
  if (existing.kind === 'sound') {
    const { bytes } = requireSameWeights(existing.checkpoint, weightsSha256);
    return { path, weightsSha256, bytes, seconds: (performance.now() - startedAt) / 1000, isNew: false };
  }
  const runText = formatRunFile({
    ...recordedInfo,
    version: 1,
    weightsSha256,
    files: await sealsOf(files),
    layout: recordedLayout,
  });
  const contents = { ...files, 'run.json': new TextEncoder().encode(runText) };
  try {
    if (existing.kind === 'damaged') await discard(folder, step);
    await placeFolder({ folder, step, contents });
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    const advice = 'free space or mend the rights of the folder; training itself is unharmed';
    throw new TrainingError('INTERNAL', `cannot write checkpoint ${path}: ${message}; ${advice}`, { cause: caught });
  }
  const bytes = Object.values(contents).reduce((sum, content) => sum + content.byteLength, 0);
  return { path, weightsSha256, bytes, seconds: (performance.now() - startedAt) / 1000, isNew: true };
}

export interface PruneCheckpointsOptions {
  readonly folder: string;
  /** How many of the newest checkpoints stay; at least 1. */
  readonly keep: number;
  /** A step that stays whatever its age. */
  readonly bestStep?: number | undefined;
}

/**
 * Removes the checkpoints beyond the newest `keep` and the best, and what interrupted writes left behind. It goes by
 * names and reads nothing: a damaged checkpoint counts as one.
 *
 * @throws TrainingError CONFIG_INVALID when `keep` is not a whole number of at least 1.
 */
export async function pruneCheckpoints(
  options: PruneCheckpointsOptions,
): Promise<{ readonly removed: readonly string[] }> {
  const { folder, keep, bestStep } = options;
  if (!Number.isInteger(keep) || keep < 1) {
    throw new TrainingError('CONFIG_INVALID', `cannot keep ${keep} checkpoints, expected a whole number of at least 1`);
  }
  const { steps, temporary } = await listCheckpoints(folder);
  const removed: string[] = [];
  for (const step of steps.slice(keep).filter((old) => old !== bestStep)) {
    await discard(folder, step);
    removed.push(join(folder, stepName(step)));
  }
  for (const path of temporary.filter((leftover) => !temporaryInUse.has(leftover))) {
    await rm(path, { recursive: true, force: true });
    removed.push(path);
  }
  return { removed };
}

type Existing = { readonly kind: 'none' | 'damaged' } | { readonly kind: 'sound'; readonly checkpoint: Checkpoint };

async function findExisting(folder: string, step: number): Promise<Existing> {
  const { steps } = await listCheckpoints(folder);
  if (!steps.includes(step)) return { kind: 'none' };
  try {
    return { kind: 'sound', checkpoint: await readCheckpoint(join(folder, stepName(step))) };
  } catch (caught) {
    if (!isDamage(caught)) throw caught;
    return { kind: 'damaged' };
  }
}

function requireSameWeights(existing: Checkpoint, weightsSha256: string): Checkpoint {
  if (existing.weightsSha256 === weightsSha256) return existing;
  throw new TrainingError(
    'DESYNC',
    `checkpoint ${existing.path} holds weights with SHA-256 ${existing.weightsSha256}, this run computed ` +
      `${weightsSha256} for the same step; compare the two before you remove either`,
  );
}

async function sealsOf(files: StateFiles): Promise<PerFile<FileSeal>> {
  const average = files['ema.safetensors'];
  return {
    'model.safetensors': await sealOf(files['model.safetensors']),
    'optimizer.safetensors': await sealOf(files['optimizer.safetensors']),
    ...(average !== undefined && { 'ema.safetensors': await sealOf(average) }),
  };
}

interface PlaceFolderOptions {
  readonly folder: string;
  readonly step: number;
  readonly contents: Readonly<Record<string, Uint8Array>>;
}

async function placeFolder({ folder, step, contents }: PlaceFolderOptions): Promise<void> {
  const firstMade = await makeFolder(folder, { mode: PRIVATE_FOLDER });
  if (firstMade !== undefined) await syncFolder(dirname(folder));
  const temporary = await freeTemporaryPath(folder, step);
  temporaryInUse.add(temporary);
  try {
    await mkdir(temporary, { mode: PRIVATE_FOLDER });
    for (const [name, content] of Object.entries(contents)) await writeDurableFile(join(temporary, name), content);
    await syncFolder(temporary);
    await rename(temporary, join(folder, stepName(step)));
    await syncFolder(folder);
  } catch (caught) {
    await rm(temporary, { recursive: true, force: true });
    throw caught;
  } finally {
    temporaryInUse.delete(temporary);
  }
}

/** Renamed before it is removed: an interrupted removal leaves a temporary folder, never half a checkpoint. */
async function discard(folder: string, step: number): Promise<void> {
  const temporary = await freeTemporaryPath(folder, step);
  await rename(join(folder, stepName(step)), temporary);
  await rm(temporary, { recursive: true, force: true });
}

async function freeTemporaryPath(folder: string, step: number): Promise<string> {
  const path = temporaryPath(folder, step);
  // A process with this id may have died here: in a container, every one has the same id.
  await rm(path, { recursive: true, force: true });
  return path;
}
