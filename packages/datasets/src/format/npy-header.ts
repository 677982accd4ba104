/**
 * The head of NumPy's .npy format: a magic, a version, and a header that is a Python dictionary. Says what the array is and
 * where it begins; reads no number of it.
 */
import { TrainingError } from '@facet/shared';

/** What a .npy file says of its array. */
export interface NpyHeader {
  /** NumPy's name of the type, as `<f4`. */
  readonly type: string;
  /** True: the first index changes fastest. */
  readonly isFortranOrder: boolean;
  readonly shape: readonly number[];
  /** Place of the array's first byte in the file. */
  readonly start: number;
}

/** NumPy reads no longer header by itself (`max_header_size`). */
const MOST_HEADER_BYTES = 10_000;
const MOST_SHOWN_CHARACTERS = 200;
const MAGIC = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);

/** So many first bytes of a file hold its header, if it has one. */
export const NPY_HEAD_BYTES = 12 + MOST_HEADER_BYTES;

/**
 * Parses the head of a .npy file.
 *
 * @param file - Name for error messages.
 * @param head - The file, or its first {@link NPY_HEAD_BYTES} bytes.
 * @throws TrainingError DATASET_INVALID when this is no .npy file, or its header is cut, too long or of another form.
 */
export function parseNpyHeader(file: string, head: Uint8Array): NpyHeader {
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  if (head.length < 12 || MAGIC.some((byte, i) => head[i] !== byte)) {
    throw invalidNpy(file, 'does not begin like a .npy file (\\x93NUMPY)');
  }
  const version = head[6]!;
  if (version < 1 || version > 3) throw invalidNpy(file, `has .npy version ${version}, expected 1, 2 or 3`);
  const [headerAt, headerBytes] = version === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (headerBytes > MOST_HEADER_BYTES) {
    throw invalidNpy(file, `has a header of ${headerBytes} bytes, expected at most ${MOST_HEADER_BYTES}`);
  }
  const start = headerAt + headerBytes;
  if (start > head.length) {
    throw invalidNpy(file, `has ${head.length} bytes, expected a header of ${start} bytes and the array`);
  }
  return { ...parseDictionary(file, new TextDecoder('latin1').decode(head.subarray(headerAt, start))), start };
}

/** A .npy file that is not what it should be. */
export function invalidNpy(file: string, problem: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `${file} ${problem}; replace it with a complete .npy file`);
}

function parseDictionary(file: string, header: string): Omit<NpyHeader, 'start'> {
  const type = /'descr': *'([^']+)'/.exec(header)?.[1];
  const order = /'fortran_order': *(True|False)/.exec(header)?.[1];
  const shape = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  if (type === undefined || order === undefined || shape === undefined) {
    const actual = JSON.stringify(header.trim().slice(0, MOST_SHOWN_CHARACTERS));
    throw invalidNpy(file, `has the header ${actual}, expected descr, fortran_order and shape`);
  }
  const lengths = shape.split(',').flatMap((length) => (length.trim() === '' ? [] : [Number(length)]));
  return { type, isFortranOrder: order === 'True', shape: lengths };
}
