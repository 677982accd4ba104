/**
 * Files that survive a power cut, and files of any size: bytes are synced before anyone may see their name, a folder is
 * synced after a name in it changed, and reading does not stop at readFile's 2 GiB.
 */
import { open } from 'node:fs/promises';

const READ_BYTES = 1 << 28;

/** Writes a file that must not exist yet and returns when its bytes are on disk. */
export async function writeDurableFile(path: string, content: Uint8Array): Promise<void> {
  await using file = await open(path, 'wx');
  await file.writeFile(content);
  await file.sync();
}

/** Returns when the names in a folder are on disk. Windows cannot sync a folder, so nothing is done there. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using folder = await open(path, 'r');
  await folder.sync();
}

/** The whole file in memory of its own, as long as it is when it is opened. */
export async function readWholeFile(path: string): Promise<Uint8Array> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const bytes = new Uint8Array(size);
  let position = 0;
  while (position < size) {
    const length = Math.min(READ_BYTES, size - position);
    const { bytesRead } = await file.read(bytes, { offset: position, length, position });
    if (bytesRead === 0) return bytes.subarray(0, position);
    position += bytesRead;
  }
  return bytes;
}
