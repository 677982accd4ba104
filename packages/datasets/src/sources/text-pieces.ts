/** Files of UTF-8 text, piece by piece. */
import { TrainingError } from '@facet/shared';
import { openFile, readFully } from './column.js';

const PIECE_BYTES = 1 << 22;

/**
 * The text of a file. A mark of the byte order at its beginning is left out.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when the file cannot be read; DATASET_INVALID when it is not UTF-8, or longer than
 *   `maxBytes`.
 */
export async function* textPieces(path: string, maxBytes: number): AsyncGenerator<string> {
  await using file = await openFile(path);
  if (file.bytes > maxBytes) {
    throw new TrainingError('DATASET_INVALID', `${path} has ${file.bytes} bytes, expected at most ${maxBytes}`);
  }
  const decoder = new TextDecoder('utf-8', { fatal: true });
  for (let at = 0; at < file.bytes; at += PIECE_BYTES) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, file.bytes - at));
    await readFully(file, path, piece, at);
    yield decoded(decoder, path, piece, at);
  }
  yield decoded(decoder, path, undefined, file.bytes);
}

function decoded(
  decoder: InstanceType<typeof TextDecoder>,
  path: string,
  piece: Uint8Array | undefined,
  at: number,
): string {
  try {
    return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
  } catch (cause) {
    const where = piece === undefined ? 'ends within a character' : `is not UTF-8 at byte ${firstWrongByte(piece, at)}`;
    throw new TrainingError('DATASET_INVALID', `${path} ${where}, expected UTF-8 text; convert it`, { cause });
  }
}

/** The byte, from 0, that cannot follow what stands before it: the longest beginning that is text, cut characters at its ends aside. */
function firstWrongByte(piece: Uint8Array, at: number): number {
  let [good, bad] = [0, piece.length];
  // The end of a character that the piece before began.
  let skipped = 0;
  while (at > 0 && skipped < 3 && (piece[skipped]! & 0xc0) === 0x80) skipped += 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isText(piece.subarray(skipped, middle))) good = middle;
    else bad = middle;
  }
  return at + good;
}

function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
