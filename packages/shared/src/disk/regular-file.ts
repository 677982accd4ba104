/**
 * The one way in which a file that a person names is opened and read. A pipe would wait for ever, a device would give bytes
 * without end, and a file that is longer than expected would fill the memory: all of them are refused before a byte is read.
 */
import { constants, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';

const READ_BYTES = 1 << 28;

/** A file that is open for reading, and its length when it was opened. */
export interface RegularFile extends AsyncDisposable {
  readonly handle: FileHandle;
  readonly bytes: number;
}

/**
 * Opens a regular file of at most so many bytes for reading; links are followed.
 *
 * @throws Error saying what is there instead, with the actual and the expected value but without the path; with the system's `code`
 *   where the system refuses.
 */
export async function openRegularFile(path: string, maxBytes: number): Promise<RegularFile> {
  // Opening a device can have consequences, so it is looked at first. What is there may change before it is opened.
  requireRegular(await stat(path), maxBytes);
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await handle.stat();
    requireRegular(stats, maxBytes);
    return { handle, bytes: stats.size, [Symbol.asyncDispose]: () => handle.close() };
  } catch (caught) {
    await handle.close();
    throw caught;
  }
}

/**
 * The whole file in memory of its own, as long as it is when it is opened. Reading does not stop at readFile's 2 GiB.
 *
 * @throws Error as {@link openRegularFile}.
 */
export async function readRegularFile(path: string, maxBytes: number): Promise<Uint8Array> {
  await using file = await openRegularFile(path, maxBytes);
  const content = new Uint8Array(file.bytes);
  let position = 0;
  while (position < file.bytes) {
    const length = Math.min(READ_BYTES, file.bytes - position);
    const { bytesRead } = await file.handle.read(content, { offset: position, length, position });
    if (bytesRead === 0) return content.subarray(0, position);
    position += bytesRead;
  }
  return content;
}

/**
 * The whole file as text.
 *
 * @throws Error as {@link openRegularFile}.
 */
export async function readRegularText(path: string, maxBytes: number): Promise<string> {
  return new TextDecoder().decode(await readRegularFile(path, maxBytes));
}

function requireRegular(stats: Stats, maxBytes: number): void {
  if (!stats.isFile()) throw new Error(`it is ${kindOf(stats)}, expected a regular file`);
  if (stats.size > maxBytes) throw new Error(`it has ${stats.size} bytes, expected at most ${maxBytes}`);
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}
