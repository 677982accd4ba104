/**
 * The CIFAR-10 binary format: rows of one label byte and 3,072 pixel bytes (1,024 red, then green, then blue), without
 * a header. In memory pixels are interleaved; both directions of that transposition live here and are exact inverses.
 */
import { TrainingError } from '@facet/shared';
import type { ImageShape, Split } from '../dataset.js';

/** Shape of every CIFAR image. */
export const CIFAR_IMAGE: ImageShape = { height: 32, width: 32, channels: 3 };
/** Bytes of one row: a label and three colour planes. */
export const CIFAR_ROW_BYTES = 3073;

const PLANE = 32 * 32;
const IMAGE_BYTES = 3 * PLANE;
const CLASS_COUNT = 10;

/**
 * Decodes batches into one split, in the order given.
 *
 * @param batches - Name (for error messages) and content of each file.
 * @throws TrainingError DATASET_INVALID on a size that is not a whole number of rows, or a label above 9.
 */
export function decodeCifarBatches(batches: readonly { file: string; bytes: Uint8Array }[]): Split {
  const counts = batches.map(({ file, bytes }) => rowCount(file, bytes.length));
  const count = counts.reduce((sum, rows) => sum + rows, 0);
  const split: Split = { count, pixels: new Uint8Array(count * IMAGE_BYTES), labels: new Uint8Array(count) };
  let first = 0;
  batches.forEach(({ file, bytes }, batch) => {
    decodeRows(file, bytes, split, first);
    first += counts[batch]!;
  });
  return split;
}

/** Encodes a split as one batch file: the inverse of {@link decodeCifarBatches}. */
export function encodeCifarBatch({ count, pixels, labels }: Split): Uint8Array {
  const bytes = new Uint8Array(count * CIFAR_ROW_BYTES);
  for (let row = 0; row < count; row++) {
    const to = row * CIFAR_ROW_BYTES;
    bytes[to] = labels[row]!;
    for (let pixel = 0, from = row * IMAGE_BYTES; pixel < PLANE; pixel++, from += 3) {
      bytes[to + 1 + pixel] = pixels[from]!;
      bytes[to + 1 + PLANE + pixel] = pixels[from + 1]!;
      bytes[to + 1 + 2 * PLANE + pixel] = pixels[from + 2]!;
    }
  }
  return bytes;
}

function decodeRows(file: string, bytes: Uint8Array, { pixels, labels }: Split, first: number): void {
  const rows = bytes.length / CIFAR_ROW_BYTES;
  for (let row = 0; row < rows; row++) {
    const from = row * CIFAR_ROW_BYTES;
    const label = bytes[from]!;
    if (label >= CLASS_COUNT) {
      throw invalid(file, `has label ${label} at row ${row}, expected 0 to ${CLASS_COUNT - 1}`);
    }
    labels[first + row] = label;
    for (let pixel = 0, to = (first + row) * IMAGE_BYTES; pixel < PLANE; pixel++, to += 3) {
      pixels[to] = bytes[from + 1 + pixel]!;
      pixels[to + 1] = bytes[from + 1 + PLANE + pixel]!;
      pixels[to + 2] = bytes[from + 1 + 2 * PLANE + pixel]!;
    }
  }
}

function rowCount(file: string, bytes: number): number {
  const rows = bytes / CIFAR_ROW_BYTES;
  if (rows < 1 || !Number.isInteger(rows)) {
    throw invalid(file, `has ${bytes} bytes, expected a positive multiple of ${CIFAR_ROW_BYTES} (one row each)`);
  }
  return rows;
}

function invalid(file: string, problem: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `${file} ${problem}; replace it with a complete CIFAR binary batch`);
}
