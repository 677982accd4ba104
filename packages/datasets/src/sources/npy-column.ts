/**
 * Columns of .npy files and of the arrays in .npz files. An array in C order that is not compressed stays on disk. One that is
 * compressed or in Fortran order is brought into memory, so its size is limited.
 */
import { crc32, TrainingError, type SampleField } from '@facet/shared';
import { invalidNpy, NPY_HEAD_BYTES, parseNpyHeader, type NpyHeader } from '../format/npy-header.js';
import { convertNpy, npyType } from '../format/npy-types.js';
import { eachEntry, invalidZip, type ZipEntry } from './zip-archive.js';
import { fileColumn, memoryColumn, openFile, readFully, type Column, type Stored } from './column.js';

/** The most that an array in memory may take. */
const MOST_MEMORY_BYTES = 2 ** 30;

/** A part of a file that is a .npy file. */
interface NpyPart {
  readonly path: string;
  /** For messages: the file, or the file and the array in it. */
  readonly label: string;
  readonly at: number;
  readonly bytes: number;
  readonly crc?: number;
}

/** The array of a .npy file, row by row. */
export async function npyColumn(path: string): Promise<Column> {
  return partColumn({ path, label: path, at: 0, bytes: await bytesOf(path) });
}

async function bytesOf(path: string): Promise<number> {
  await using file = await openFile(path);
  return file.bytes;
}

/** Names of the arrays in a .npz file, in the file's order. */
export async function npzNames(path: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of entriesOf(path)) names.push(arrayName(name));
  return names;
}

/** One array of a .npz file, row by row. @throws TrainingError DATASET_INVALID when the file has no such array. */
export async function npzColumn(path: string, array: string): Promise<Column> {
  const names: string[] = [];
  for await (const entry of entriesOf(path)) {
    names.push(arrayName(entry.name));
    if (names.at(-1) !== array) continue;
    const label = `array '${array}' of ${path}`;
    const { bytes, crc, isCompressed } = entry;
    if (!isCompressed) return partColumn({ path, label, at: await entry.contentAt(), bytes, crc });
    assertMemory(label, bytes, 'compressed', 'save it with numpy.savez, which does not compress');
    const content = await entry.content(label);
    assertChecksum(path, label, content, crc);
    return columnInMemory(label, content);
  }
  throw new TrainingError('DATASET_INVALID', `${path} has no array '${array}', expected one of: ${names.join(', ')}`);
}

async function* entriesOf(path: string): AsyncGenerator<ZipEntry> {
  await using file = await openFile(path);
  yield* eachEntry(path, file.handle.fd);
}

async function partColumn(part: NpyPart): Promise<Column> {
  const { path, label, at, bytes, crc } = part;
  const head = await readPart(path, at, Math.min(bytes, NPY_HEAD_BYTES));
  const header = parseNpyHeader(label, head);
  if (header.isFortranOrder) {
    assertMemory(label, bytes, 'stored in Fortran order', 'save numpy.ascontiguousarray of it');
    const whole = await readPart(path, at, bytes);
    if (crc !== undefined) assertChecksum(path, label, whole, crc);
    return columnInMemory(label, whole);
  }
  const { field, rows, stored } = layoutOf(label, header, bytes);
  const checked = crc === undefined ? {} : { crc: { checkedFrom: at, expected: crc } };
  return fileColumn({ path, start: at + header.start, field, rows, stored, ...checked });
}

function columnInMemory(label: string, file: Uint8Array): Column {
  const header = parseNpyHeader(label, file);
  const { field, rows, stored } = layoutOf(label, header, file.length);
  const content = file.subarray(header.start);
  const raw = header.isFortranOrder ? inCOrder(content, header.shape, stored.bytes) : content;
  return memoryColumn(field, rows, stored.convert(raw, 0), raw);
}

/** What an array holds, if its length is the one that its header says. */
function layoutOf(
  label: string,
  { type, shape, start }: NpyHeader,
  fileBytes: number,
): { field: SampleField; rows: number; stored: Stored } {
  const { bytes, becomes, mayNotFit } = npyType(label, type);
  const expected = start + shape.reduce((product, length) => product * length, bytes);
  if (fileBytes !== expected) {
    const whatFor = `for type ${type} and shape [${shape.join(', ')}]`;
    throw invalidNpy(label, `has ${fileBytes} bytes, expected ${expected} ${whatFor}`);
  }
  const [rows, ...sample] = shape;
  if (rows === undefined) throw invalidNpy(label, 'is a single number, expected one row for every sample');
  if (sample.includes(0)) throw invalidNpy(label, `has shape [${shape.join(', ')}], expected samples with numbers`);
  const convert: Stored['convert'] = (raw, firstPlace) => convertNpy(label, type, raw, firstPlace);
  return { field: { shape: sample, type: becomes }, rows, stored: { bytes, convert, mayNotFit } };
}

/** The same array with the last index changing fastest. */
function inCOrder(content: Uint8Array, shape: readonly number[], elementBytes: number): Uint8Array {
  const turned = new Uint8Array(content.length);
  const index = shape.map(() => 0);
  // How far apart neighbours along every axis are in Fortran order.
  const strides = shape.map((_, axis) =>
    shape.slice(0, axis).reduce((product, length) => product * length, elementBytes),
  );
  let from = 0;
  for (let to = 0; to < content.length; to += elementBytes) {
    for (let byte = 0; byte < elementBytes; byte++) turned[to + byte] = content[from + byte]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      index[axis]! += 1;
      if (index[axis]! < shape[axis]!) break;
      from -= index[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return turned;
}

function assertChecksum(path: string, label: string, content: Uint8Array, expected: number): void {
  const actual = crc32(content);
  if (actual !== expected) throw invalidZip(path, `has checksum ${actual} over ${label}, expected ${expected}`);
}

function assertMemory(label: string, bytes: number, why: string, remedy: string): void {
  if (bytes <= MOST_MEMORY_BYTES) return;
  const fault = `${label} has ${bytes} bytes and is ${why}, expected at most ${MOST_MEMORY_BYTES}; ${remedy}`;
  throw new TrainingError('DATASET_INVALID', fault);
}

async function readPart(path: string, at: number, bytes: number): Promise<Uint8Array> {
  await using file = await openFile(path);
  if (at + bytes > file.bytes) {
    throw new TrainingError('DATASET_INVALID', `${path} has ${file.bytes} bytes, expected ${at + bytes} or more`);
  }
  const content = new Uint8Array(bytes);
  await readFully(file, path, content, at);
  return content;
}

function arrayName(entryName: string): string {
  return entryName.replace(/\.npy$/, '');
}
