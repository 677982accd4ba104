/**
 * Columns of .npy files and of the arrays in .npz files. An array in C order that is not compressed stays on disk. One that is
 * compressed or in Fortran order is brought into memory, so its size is limited.
 */
import { crc32, TrainingError, type SampleField } from '@facet/shared';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { invalidNpy, NPY_HEAD_BYTES, parseNpyHeader, type NpyHeader } from '../format/npy-header.js';
import { convertNpy, npyType } from '../format/npy-types.js';
import {
  findZipDirectory,
  invalidZip,
  parseZipDirectory,
  ZIP_HEADER_BYTES,
  ZIP_TAIL_BYTES,
  zipContentAt,
  type ZipEntry,
} from '../format/zip-directory.js';
import { fileColumn, memoryColumn, openFile, readFully, type Column, type Stored } from './column.js';

const inflate = promisify(inflateRaw);
/** The most that an array in memory may take. */
const MOST_MEMORY_BYTES = 2 ** 30;
const MOST_DIRECTORY_BYTES = 2 ** 24;

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
  return (await entriesOf(path)).map(({ name }) => arrayName(name));
}

/** One array of a .npz file, row by row. @throws TrainingError DATASET_INVALID when the file has no such array. */
export async function npzColumn(path: string, array: string): Promise<Column> {
  const entries = await entriesOf(path);
  const entry = entries.find(({ name }) => arrayName(name) === array);
  if (entry === undefined) {
    const names = entries.map(({ name }) => arrayName(name)).join(', ');
    throw new TrainingError('DATASET_INVALID', `${path} has no array '${array}', expected one of: ${names}`);
  }
  const label = `array '${array}' of ${path}`;
  const at = await contentAt(path, entry);
  const { bytes, crc, isCompressed } = entry;
  if (!isCompressed) return partColumn({ path, label, at, bytes, crc });
  return columnInMemory(label, await uncompressed(path, label, entry, at));
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

async function entriesOf(path: string): Promise<ZipEntry[]> {
  await using file = await openFile(path);
  const tail = new Uint8Array(Math.min(file.bytes, ZIP_TAIL_BYTES));
  await readFully(file, path, tail, file.bytes - tail.length);
  const { at, bytes, entries } = findZipDirectory(path, tail, file.bytes - tail.length);
  if (bytes > MOST_DIRECTORY_BYTES || at + bytes > file.bytes) {
    throw invalidZip(path, `has a directory of ${bytes} bytes at byte ${at}, expected one inside ${file.bytes} bytes`);
  }
  const directory = new Uint8Array(bytes);
  await readFully(file, path, directory, at);
  return parseZipDirectory(path, directory, entries);
}

async function contentAt(path: string, entry: ZipEntry): Promise<number> {
  return zipContentAt(path, entry, await readPart(path, entry.headerAt, ZIP_HEADER_BYTES));
}

async function uncompressed(path: string, label: string, entry: ZipEntry, at: number): Promise<Uint8Array> {
  assertMemory(label, entry.bytes, 'compressed', 'save it with numpy.savez, which does not compress');
  const compressed = await readPart(path, at, entry.compressedBytes);
  let content: Uint8Array;
  try {
    content = await inflate(compressed, { maxOutputLength: entry.bytes + 1 });
  } catch (cause) {
    throw invalidZip(path, `has damaged content (${TrainingError.from(cause).message}) in ${label}`);
  }
  if (content.length !== entry.bytes) {
    throw invalidZip(path, `has ${content.length} bytes in ${label}, expected ${entry.bytes}`);
  }
  assertChecksum(path, label, content, entry.crc);
  return content;
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
