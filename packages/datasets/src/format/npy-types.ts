/**
 * The types of numbers in NumPy's arrays, and how they become the three types of fields: bytes and booleans `uint8`, other
 * whole numbers `int32`, floating-point numbers `float32`. A whole number is refused if it does not fit; a 64-bit
 * floating-point number is rounded, and refused if it is too large for 32 bits.
 */
import { invalidNpy } from './npy-header.js';

/** How one of NumPy's types is read. */
export interface NpyType {
  /** Bytes of one number. */
  readonly bytes: number;
  readonly becomes: 'uint8' | 'int32' | 'float32';
  /** Whether a number may fail to fit into what it becomes. */
  readonly mayNotFit: boolean;
  readonly read: (view: DataView, at: number, isLittleEndian: boolean) => number;
}

/** By NumPy's name without the order of bytes. */
const TYPES: Readonly<Record<string, NpyType>> = {
  b1: { bytes: 1, becomes: 'uint8', mayNotFit: false, read: (view, at) => view.getUint8(at) },
  u1: { bytes: 1, becomes: 'uint8', mayNotFit: false, read: (view, at) => view.getUint8(at) },
  i1: { bytes: 1, becomes: 'int32', mayNotFit: false, read: (view, at) => view.getInt8(at) },
  u2: { bytes: 2, becomes: 'int32', mayNotFit: false, read: (view, at, isLittle) => view.getUint16(at, isLittle) },
  i2: { bytes: 2, becomes: 'int32', mayNotFit: false, read: (view, at, isLittle) => view.getInt16(at, isLittle) },
  u4: { bytes: 4, becomes: 'int32', mayNotFit: true, read: (view, at, isLittle) => view.getUint32(at, isLittle) },
  i4: { bytes: 4, becomes: 'int32', mayNotFit: false, read: (view, at, isLittle) => view.getInt32(at, isLittle) },
  u8: {
    bytes: 8,
    becomes: 'int32',
    mayNotFit: true,
    read: (view, at, isLittle) => Number(view.getBigUint64(at, isLittle)),
  },
  i8: {
    bytes: 8,
    becomes: 'int32',
    mayNotFit: true,
    read: (view, at, isLittle) => Number(view.getBigInt64(at, isLittle)),
  },
  f4: { bytes: 4, becomes: 'float32', mayNotFit: false, read: (view, at, isLittle) => view.getFloat32(at, isLittle) },
  f8: { bytes: 8, becomes: 'float32', mayNotFit: true, read: (view, at, isLittle) => view.getFloat64(at, isLittle) },
};

const ARRAYS = { uint8: Uint8Array, int32: Int32Array, float32: Float32Array } as const;

/**
 * How numbers of a type are read.
 *
 * @param name - As in a header: the order of bytes and the type.
 * @throws TrainingError DATASET_INVALID for a type that is not read. Pickled Python objects are among these: to read them means
 *   to run what the file says.
 */
export function npyType(file: string, name: string): NpyType {
  const type = /^[<>|=]/.test(name) ? TYPES[name.slice(1)] : undefined;
  if (type !== undefined) return type;
  if (name.slice(1).startsWith('O')) {
    throw invalidNpy(file, `holds pickled Python objects (type ${name}), expected an array of numbers`);
  }
  throw invalidNpy(file, `holds numbers of type ${name}, expected one of ${Object.keys(TYPES).join(', ')}`);
}

/**
 * Converts stored numbers to the type that they become.
 *
 * @param firstPlace - Place of the first of them in the array.
 * @throws TrainingError DATASET_INVALID naming the place of a number that does not fit.
 */
export function convertNpy(
  file: string,
  name: string,
  raw: Uint8Array,
  firstPlace: number,
): Uint8Array | Int32Array | Float32Array {
  const { bytes, becomes, mayNotFit, read } = npyType(file, name);
  const isLittleEndian = !name.startsWith('>');
  const values = new ARRAYS[becomes](raw.length / bytes);
  if (becomes === 'uint8') {
    values.set(raw);
    return values;
  }
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  for (let i = 0; i < values.length; i++) {
    const value = read(view, i * bytes, isLittleEndian);
    values[i] = value;
    if (mayNotFit && !fits(value, values[i]!, becomes)) {
      throw invalidNpy(file, `holds ${value} at place ${firstPlace + i}, which does not fit into ${becomes}`);
    }
  }
  return values;
}

/** A whole number must come out as it was. A floating-point number is rounded, and must not become infinite. */
function fits(value: number, converted: number, becomes: NpyType['becomes']): boolean {
  return becomes === 'int32' ? converted === value : Number.isFinite(value) === Number.isFinite(converted);
}
