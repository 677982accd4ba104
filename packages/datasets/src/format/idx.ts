/**
 * The IDX format of MNIST and its successors: a big-endian header (magic, one length per dimension), then raw bytes.
 * Decoding returns views on the given bytes and accepts a file only if header and length agree to the byte.
 */
import { TrainingError } from '@facet/shared';

/** Two zero bytes, type 0x08 (unsigned byte), number of dimensions. */
const IMAGES_MAGIC = 0x00000803;
const LABELS_MAGIC = 0x00000801;

/** Images of an IDX file; `pixels` is [count, height, width]. */
export interface IdxImages {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly pixels: Uint8Array;
}

/**
 * Decodes an IDX file of images.
 *
 * @param file - Name for error messages.
 * @throws TrainingError DATASET_INVALID on a wrong magic, an empty dimension or a wrong length.
 */
export function decodeIdxImages(file: string, bytes: Uint8Array): IdxImages {
  const [count, height, width] = readHeader(file, bytes, IMAGES_MAGIC, 'images') as [number, number, number];
  return { count, height, width, pixels: bytes.subarray(16) };
}

/**
 * Decodes an IDX file of labels to [count].
 *
 * @param file - Name for error messages.
 * @param classCount - How many classes there are.
 * @param firstLabel - The label of class 0 in the file.
 * @throws TrainingError DATASET_INVALID on a wrong magic, no labels, a wrong length or a label out of range.
 */
export function decodeIdxLabels(file: string, bytes: Uint8Array, classCount: number, firstLabel = 0): Uint8Array {
  readHeader(file, bytes, LABELS_MAGIC, 'labels');
  const labels = bytes.subarray(8);
  const end = firstLabel + classCount;
  const wrong = labels.findIndex((label) => label < firstLabel || label >= end);
  if (wrong !== -1) {
    throw invalid(file, `has label ${labels[wrong]} at sample ${wrong}, expected ${firstLabel} to ${end - 1}`);
  }
  return firstLabel === 0 ? labels : labels.map((label) => label - firstLabel);
}

/** Turns images that a file stores column by column: pixel (row, column) becomes pixel (column, row). Returns a copy. */
export function transposeImages({ count, height, width, pixels }: IdxImages): IdxImages {
  const turned = new Uint8Array(pixels.length);
  const size = height * width;
  for (let i = 0; i < count; i++) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        turned[i * size + column * height + row] = pixels[i * size + row * width + column]!;
      }
    }
  }
  return { count, height: width, width: height, pixels: turned };
}

/**
 * Bytes of a whole file, from its first ones; undefined when they are not the header of an IDX file of bytes.
 */
export function idxFileBytes(head: Uint8Array): number | undefined {
  const dimensions = head[3] ?? 0;
  const headerBytes = 4 + 4 * dimensions;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < headerBytes || ![IMAGES_MAGIC, LABELS_MAGIC].includes(view.getUint32(0))) return undefined;
  const lengths = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  return headerBytes + lengths.reduce((product, length) => product * length, 1);
}

function readHeader(file: string, bytes: Uint8Array, magic: number, content: string): number[] {
  const dimensions = magic & 0xff;
  const headerBytes = 4 + 4 * dimensions;
  if (bytes.length < headerBytes) {
    throw invalid(file, `has ${bytes.length} bytes, expected a header of ${headerBytes} bytes and the ${content}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const actualMagic = view.getUint32(0);
  if (actualMagic !== magic) {
    throw invalid(file, `has magic ${hex(actualMagic)}, expected ${hex(magic)} (an IDX file of ${content})`);
  }
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 + 4 * i));
  if (shape.includes(0)) {
    throw invalid(file, `has dimensions [${shape.join(', ')}], expected every dimension to be at least 1`);
  }
  const expectedBytes = headerBytes + shape.reduce((product, length) => product * length, 1);
  if (bytes.length !== expectedBytes) {
    throw invalid(file, `has ${bytes.length} bytes, expected ${expectedBytes} for dimensions [${shape.join(', ')}]`);
  }
  return shape;
}

function hex(magic: number): string {
  return `0x${magic.toString(16).padStart(8, '0')}`;
}

function invalid(file: string, problem: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `${file} ${problem}; replace it with a complete IDX file`);
}
