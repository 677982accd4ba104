/**
 * Checkpoints in a store, under the names that their files have in a folder. The manifest, run.json, is written last and
 * removed first: a checkpoint without one is none. Whoever fetches one hashes every byte. A damaged or missing part is named,
 * and the checkpoint before it is used.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import {
  PRIVATE_FILE,
  PRIVATE_FOLDER,
  makePrivateFolder,
  syncFolder,
  TrainingError,
  type FileSeal,
} from '@facet/shared';
import { stepName, stepOf, temporaryPath } from '../checkpoint/checkpoint-names.js';
import { isDamage, readCheckpoint, type SkippedCheckpoint } from '../checkpoint/read-checkpoint.js';
import { readRunFile } from '../checkpoint/run-file.js';
import { piecesOfFile } from '../folder/folder-store.js';
import { contentOf, readAll, type ObjectShelf, type RunStore } from '../store/run-store.js';
import { isTransient } from '../store/store-errors.js';

const MANIFEST = 'run.json';
const MOST_MANIFEST_BYTES = 16 * 1024 * 1024;
/** A transfer that breaks off is begun again so many times. */
const MOST_TRANSFERS = 4;

/** The steps of which there is a whole checkpoint, newest first. */
export async function storedSteps(objects: ObjectShelf, shelf: string): Promise<readonly number[]> {
  const names = await objects.list(`${shelf}/`);
  return names
    .filter((name) => name.endsWith(`/${MANIFEST}`))
    .map((name) => stepOf(name.slice(0, -MANIFEST.length - 1)))
    .filter((step) => step !== undefined)
    .sort((a, b) => b - a);
}

export interface StoreCheckpointOptions {
  readonly objects: ObjectShelf;
  /** `checkpoints`, or another folder of a run that holds some. */
  readonly shelf: string;
  /** The checkpoint's folder on this machine. */
  readonly path: string;
  readonly step: number;
}

/**
 * Copies a checkpoint of this machine into a store, piece by piece. One that is there already is kept.
 *
 * @returns false when it was there
 * @throws TrainingError CHECKPOINT_INVALID when it is damaged on this machine.
 */
export async function storeCheckpoint(options: StoreCheckpointOptions): Promise<boolean> {
  const { objects, shelf, path, step } = options;
  const base = `${shelf}/${stepName(step)}`;
  if ((await objects.get(`${base}/${MANIFEST}`)) !== undefined) return false;
  const manifest = await bytesOf(join(path, MANIFEST));
  const { files } = readRunFile(new TextDecoder().decode(manifest));
  for (const [name, seal] of Object.entries(files)) {
    const pieces = (): AsyncIterable<Uint8Array> =>
      sealedPieces(piecesOfFile(join(path, name)), seal, join(path, name));
    await objects.put(`${base}/${name}`, { bytes: seal.bytes, pieces });
  }
  await objects.put(`${base}/${MANIFEST}`, contentOf(manifest));
  return true;
}

async function bytesOf(path: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of piecesOfFile(path)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Passes pieces on, and rejects at the end when they were not what a manifest says. */
async function* sealedPieces(
  pieces: AsyncIterable<Uint8Array>,
  expected: FileSeal,
  name: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of pieces) {
    hash.update(piece);
    bytes += piece.byteLength;
    yield piece;
  }
  const actual = hash.digest('hex');
  if (bytes !== expected.bytes) throw damaged(name, `it has ${bytes} bytes, expected ${expected.bytes}`);
  if (actual !== expected.sha256) throw damaged(name, `it has SHA-256 ${actual}, expected ${expected.sha256}`);
}

function damaged(name: string, fault: string): TrainingError {
  return new TrainingError('CHECKPOINT_INVALID', `${name}: ${fault}; use another checkpoint`);
}

export interface FetchCheckpointOptions {
  readonly store: RunStore;
  readonly shelf: string;
  readonly step: number;
  /** Gets the checkpoint's folder. */
  readonly folder: string;
}

/**
 * Copies a checkpoint of a store into a folder, where it appears whole or not at all.
 *
 * @throws TrainingError CHECKPOINT_INVALID naming the part that is missing or damaged.
 */
export async function fetchCheckpoint({ store, shelf, step, folder }: FetchCheckpointOptions): Promise<string> {
  const { objects, place } = store;
  const base = `${shelf}/${stepName(step)}`;
  await makePrivateFolder(folder);
  const temporary = temporaryPath(folder, step);
  const path = join(folder, stepName(step));
  try {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { mode: PRIVATE_FOLDER });
    const manifest = await fetchManifest(objects, `${base}/${MANIFEST}`, place);
    const { files } = readRunFile(new TextDecoder().decode(manifest));
    for (const [name, seal] of Object.entries(files)) {
      await fetchPart(store, `${base}/${name}`, { seal, file: join(temporary, name) });
    }
    await writePieces(join(temporary, MANIFEST), async (file) => void (await file.appendFile(manifest)));
    await syncFolder(temporary);
    await rm(path, { recursive: true, force: true });
    await rename(temporary, path);
    await syncFolder(folder);
    return path;
  } catch (caught) {
    await rm(temporary, { recursive: true, force: true });
    throw caught;
  }
}

async function fetchManifest(objects: ObjectShelf, name: string, place: string): Promise<Uint8Array> {
  const object = await objects.get(name);
  if (object === undefined) throw damaged(`${place}/${name}`, 'it is missing');
  if (object.bytes > MOST_MANIFEST_BYTES) throw damaged(`${place}/${name}`, `it has ${object.bytes} bytes`);
  return readAll(object);
}

async function fetchPart(
  { objects, place }: RunStore,
  name: string,
  { seal, file }: { readonly seal: FileSeal; readonly file: string },
): Promise<void> {
  for (let transfer = 1; ; transfer += 1) {
    const object = await objects.get(name);
    if (object === undefined) throw damaged(`${place}/${name}`, 'it is missing');
    try {
      await writePieces(file, async (handle) => {
        for await (const piece of sealedPieces(object.pieces, seal, `${place}/${name}`)) await handle.appendFile(piece);
      });
      return;
    } catch (caught) {
      await rm(file, { force: true });
      if (!isTransient(caught) || transfer === MOST_TRANSFERS) throw caught;
    }
  }
}

async function writePieces(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  await using file = await open(path, 'wx', PRIVATE_FILE);
  await write(file);
  await file.sync();
}

/** Removes a checkpoint of a store; its manifest first. */
export async function removeStoredCheckpoint(objects: ObjectShelf, shelf: string, step: number): Promise<void> {
  const base = `${shelf}/${stepName(step)}/`;
  await objects.remove(`${base}${MANIFEST}`);
  for (const name of await objects.list(base)) await objects.remove(name);
}

export interface PruneStoredOptions {
  readonly keep: number;
  readonly bestStep: number | undefined;
}

/**
 * Removes the checkpoints beyond the newest `keep` and the best, and parts of older steps whose manifest never came.
 *
 * @returns the steps that are gone
 */
export async function pruneStored(
  objects: ObjectShelf,
  shelf: string,
  { keep, bestStep }: PruneStoredOptions,
): Promise<readonly number[]> {
  const whole = await storedSteps(objects, shelf);
  const stays = new Set([...whole.slice(0, keep), ...(bestStep === undefined ? [] : [bestStep])]);
  const newest = whole[0] ?? -1;
  const all = new Set((await objects.list(`${shelf}/`)).map((name) => stepOf(name.slice(0, name.lastIndexOf('/')))));
  const gone: number[] = [];
  for (const step of all) {
    if (step === undefined || stays.has(step) || step >= newest) continue;
    await removeStoredCheckpoint(objects, shelf, step);
    gone.push(step);
  }
  return gone;
}

/**
 * Fetches the newest sound checkpoint of a store, unless the folder has one that is as new.
 *
 * @returns which ones of the store were passed over, and why
 */
export async function fetchNewestCheckpoint(
  store: RunStore,
  shelf: string,
  folder: string,
  { localStep }: { readonly localStep: number | undefined },
): Promise<readonly SkippedCheckpoint[]> {
  const skipped: SkippedCheckpoint[] = [];
  for (const step of await storedSteps(store.objects, shelf)) {
    if (localStep !== undefined && step <= localStep) break;
    try {
      await readCheckpoint(await fetchCheckpoint({ store, shelf, step, folder }));
      break;
    } catch (caught) {
      if (!isDamage(caught)) throw caught;
      skipped.push({ path: `${store.place}/${shelf}/${stepName(step)}`, reason: caught.message });
    }
  }
  return skipped;
}
