/**
 * The CIFAR binary format: rows of label bytes (one in CIFAR-10; coarse and fine in CIFAR-100) and 3,072 pixel bytes (1,024
 * red, then green, then blue), without a header. In memory pixels are interleaved; both directions of that transposition live here and are exact inverses.
 */
import { TrainingError, type ImageShape } from '@facet/shared';
import type { Split } from '../dataset.js';

/** Shape of every CIFAR image. */
export const CIFAR_IMAGE: ImageShape = { height: 32, width: 32, channels: 3 };
const PLANE = 32 * 32;
const IMAGE_BYTES = 3 * PLANE;
/** Bytes of one row of CIFAR-10: a label and three colour planes. */
export const CIFAR_ROW_BYTES = 1 + IMAGE_BYTES;

/**
 * Decodes batches into one split, in the order given.
 *
 * @param batches - Name (for error messages) and content of each file.
 * @param labelBytes - Classes of each label byte of a row; the last one is kept.
 * @throws TrainingError DATASET_INVALID on a size that is not a whole number of rows, or a label out of range.
 */
export function decodeCifarBatches(
  batches: readonly { file: string; bytes: Uint8Array }[],
  labelBytes: readonly number[],
): Split {
  const rowBytes = labelBytes.length + IMAGE_BYTES;
  const counts = batches.map(({ file, bytes }) => rowCount(file, bytes.length, rowBytes));
  const count = counts.reduce((sum, rows) => sum + rows, 0);
  const split: Split = { count, pixels: new Uint8Array(count * IMAGE_BYTES), labels: new Uint8Array(count) };
  let first = 0;
  batches.forEach(({ file, bytes }, batch) => {
    decodeRows({ file, bytes, labelBytes }, split, first);
    first += counts[batch]!;
  });
  return split;
}

/** Encodes a split as one batch file of CIFAR-10: the inverse of {@link decodeCifarBatches}. */
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

interface Batch {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly labelBytes: readonly number[];
}

function decodeRows({ file, bytes, labelBytes }: Batch, { pixels, labels }: Split, first: number): void {
  const rowBytes = labelBytes.length + IMAGE_BYTES;
  const rows = bytes.length / rowBytes;
  for (let row = 0; row < rows; row++) {
    labelBytes.forEach((classes, at) => {
      const label = bytes[row * rowBytes + at]!;
      if (label >= classes) {
        const which = at === labelBytes.length - 1 ? 'label' : 'coarse label';
        throw invalid(file, `has ${which} ${label} at row ${row}, expected 0 to ${classes - 1}`);
      }
      labels[first + row] = label;
    });
    const from = row * rowBytes + labelBytes.length;
    for (let pixel = 0, to = (first + row) * IMAGE_BYTES; pixel < PLANE; pixel++, to += 3) {
      pixels[to] = bytes[from + pixel]!;
      pixels[to + 1] = bytes[from + PLANE + pixel]!;
      pixels[to + 2] = bytes[from + 2 * PLANE + pixel]!;
    }
  }
}

function rowCount(file: string, bytes: number, rowBytes: number): number {
  const rows = bytes / rowBytes;
  if (rows < 1 || !Number.isInteger(rows)) {
    throw invalid(file, `has ${bytes} bytes, expected a positive multiple of ${rowBytes} (one row each)`);
  }
  return rows;
}

function invalid(file: string, problem: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `${file} ${problem}; replace it with a complete CIFAR binary batch`);
}
