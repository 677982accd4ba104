/**
 * The one place where files are written so that they survive a power cut: bytes are synced before anyone may see their
 * name, and a folder is synced after a name in it changed. Folders and files of
 * runs are for their owner alone, because a configuration may hold the password of a broker.
 */
import { chmod, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from './make-folder.js';

/** The mode of a file that only its owner may read. */
export const PRIVATE_FILE = 0o600;
/** The mode of a folder that only its owner may enter. */
export const PRIVATE_FOLDER = 0o700;
const PUBLIC_FILE = 0o666;

/** Makes a folder that only its owner may enter, and those above it that are missing; closes one that was open to others. */
export async function makePrivateFolder(path: string): Promise<void> {
  const firstMade = await makeFolder(path, { mode: PRIVATE_FOLDER });
  if (firstMade !== undefined || process.platform === 'win32') return;
  // A folder of somebody else stays as it is: whether it can be used is for the first write to say.
  await chmod(path, PRIVATE_FOLDER).catch(() => undefined);
}

/** Writes a file that must not exist yet, for its owner alone, and returns when its bytes are on disk. */
export async function writeDurableFile(path: string, content: Uint8Array): Promise<void> {
  await using file = await open(path, 'wx', PRIVATE_FILE);
  await file.writeFile(content);
  await file.sync();
}

/** Who may read a file that is written. */
export type FileReaders = 'owner' | 'as-umask-says';

let partCount = 0;

/**
 * Writes or replaces a file. Readers find it whole or as it was before, also after a power cut. What fails leaves nothing
 * beside it.
 */
export async function writeWhole(path: string, content: string, readers: FileReaders): Promise<void> {
  partCount += 1;
  const part = `${path}.${process.pid}-${partCount}.part`;
  // A process of this number may have died here.
  await rm(part, { force: true });
  try {
    {
      await using file = await open(part, 'wx', readers === 'owner' ? PRIVATE_FILE : PUBLIC_FILE);
      await file.writeFile(content);
      await file.sync();
    }
    await rename(part, path);
    await syncFolder(dirname(path));
  } catch (caught) {
    await rm(part, { force: true }).catch(() => undefined);
    // A full disk is refused to a handle, which has no name.
    if (caught instanceof Error && 'code' in caught && !('path' in caught)) Object.assign(caught, { path });
    throw caught;
  }
}

/** Returns when the bytes of a file that somebody else wrote are on disk. */
export async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r+');
  await file.sync();
}

/** Returns when the names in a folder are on disk. Windows cannot sync a folder, so nothing is done there. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using folder = await open(path, 'r');
  await folder.sync();
}
