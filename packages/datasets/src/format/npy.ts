/**
 * Arrays of NumPy's .npy format that datasets of images are stored in: whole numbers in C order that fit a byte. Accepts a
 * file only if header and length agree.
 */
import { invalidNpy, parseNpyHeader } from './npy-header.js';

/** An array of a .npy file. */
export interface NpyArray {
  readonly shape: readonly number[];
  /** Row-major; a view on the file's bytes where these are bytes already. */
  readonly values: Uint8Array;
}

/** Bytes of one element, by NumPy's name. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = { '|u1': 1, '|i1': 1, '<u2': 2, '<i2': 2, '<i4': 4, '<i8': 8 };

/**
 * Decodes a .npy file of whole numbers from 0 to 255.
 *
 * @param file - Name for error messages.
 * @throws TrainingError DATASET_INVALID on another format, type, order or length, or a number that fits no byte.
 */
export function decodeNpy(file: string, bytes: Uint8Array): NpyArray {
  const { type, isFortranOrder, shape, start } = parseNpyHeader(file, bytes);
  if (isFortranOrder) throw invalidNpy(file, 'is stored in Fortran order, expected C order');
  const elementBytes = ELEMENT_BYTES[type];
  if (elementBytes === undefined) {
    throw invalidNpy(file, `holds numbers of type ${type}, expected one of ${Object.keys(ELEMENT_BYTES).join(', ')}`);
  }
  const count = shape.reduce((product, length) => product * length, 1);
  const expected = start + count * elementBytes;
  if (bytes.length !== expected) {
    throw invalidNpy(
      file,
      `has ${bytes.length} bytes, expected ${expected} for type ${type} and shape [${shape.join(', ')}]`,
    );
  }
  return {
    shape,
    values: narrow(
      file,
      new Uint8Array(bytes.buffer, bytes.byteOffset + start, count * elementBytes),
      type,
      elementBytes,
    ),
  };
}

/** The low byte of every element; the others must be zero. */
function narrow(file: string, raw: Uint8Array, type: string, elementBytes: number): Uint8Array {
  if (type === '|u1') return raw;
  const values = new Uint8Array(raw.length / elementBytes);
  for (let i = 0; i < values.length; i++) {
    const element = raw.subarray(i * elementBytes, (i + 1) * elementBytes);
    values[i] = element[0]!;
    if (element.subarray(1).some((byte) => byte !== 0) || (type === '|i1' && element[0]! > 127)) {
      throw invalidNpy(file, `holds a number at place ${i} that is not from 0 to 255`);
    }
  }
  return values;
}
