/**
 * NumPy's .npy format: a magic, a version, a header that is a Python dictionary, then the raw array. Decodes what datasets
 * of images are stored in (integers in C order that fit a byte) and accepts a file only if header and length agree.
 */
import { TrainingError } from '@facet/shared';

/** An array of a .npy file. */
export interface NpyArray {
  readonly shape: readonly number[];
  /** Row-major; a view on the file's bytes where these are bytes already. */
  readonly values: Uint8Array;
}

/** NumPy reads no longer header by itself (`max_header_size`). */
const MOST_HEADER_BYTES = 10_000;
const MOST_SHOWN_CHARACTERS = 200;
const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);

/** Bytes of one element, by NumPy's name. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = { '|u1': 1, '|i1': 1, '<u2': 2, '<i2': 2, '<i4': 4, '<i8': 8 };

/**
 * Decodes a .npy file of whole numbers from 0 to 255.
 *
 * @param file - Name for error messages.
 * @throws TrainingError DATASET_INVALID on another format, type, order or length, or a number that fits no byte.
 */
export function decodeNpy(file: string, bytes: Uint8Array): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw invalid(file, 'does not begin like a .npy file (\\x93NUMPY)');
  }
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw invalid(file, `has .npy version ${version}, expected 1, 2 or 3`);
  const [headerAt, headerBytes] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (headerBytes > MOST_HEADER_BYTES) {
    throw invalid(file, `has a header of ${headerBytes} bytes, expected at most ${MOST_HEADER_BYTES}`);
  }
  const start = headerAt + headerBytes;
  if (start > bytes.length) {
    throw invalid(file, `has ${bytes.length} bytes, expected a header of ${start} bytes and the array`);
  }
  const { type, shape } = parseHeader(file, new TextDecoder('latin1').decode(bytes.subarray(headerAt, start)));
  const elementBytes = ELEMENT_BYTES[type];
  if (elementBytes === undefined) {
    throw invalid(file, `holds numbers of type ${type}, expected one of ${Object.keys(ELEMENT_BYTES).join(', ')}`);
  }
  const count = shape.reduce((product, length) => product * length, 1);
  const expected = start + count * elementBytes;
  if (bytes.length !== expected) {
    throw invalid(
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

function parseHeader(file: string, header: string): { type: string; shape: number[] } {
  const type = /'descr': *'([^']+)'/.exec(header)?.[1];
  const order = /'fortran_order': *(True|False)/.exec(header)?.[1];
  const shape = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  if (type === undefined || order === undefined || shape === undefined) {
    throw invalid(
      file,
      `has the header ${JSON.stringify(header.trim().slice(0, MOST_SHOWN_CHARACTERS))}, expected descr, fortran_order and shape`,
    );
  }
  if (order === 'True') throw invalid(file, 'is stored in Fortran order, expected C order');
  return { type, shape: shape.split(',').flatMap((length) => (length.trim() === '' ? [] : [Number(length)])) };
}

/** The low byte of every element; the others must be zero. */
function narrow(file: string, raw: Uint8Array, type: string, elementBytes: number): Uint8Array {
  if (type === '|u1') return raw;
  const values = new Uint8Array(raw.length / elementBytes);
  for (let i = 0; i < values.length; i++) {
    const element = raw.subarray(i * elementBytes, (i + 1) * elementBytes);
    values[i] = element[0]!;
    if (element.subarray(1).some((byte) => byte !== 0) || (type === '|i1' && element[0]! > 127)) {
      throw invalid(file, `holds a number at place ${i} that is not from 0 to 255`);
    }
  }
  return values;
}

function invalid(file: string, problem: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `${file} ${problem}; replace it with a complete .npy file`);
}
