/**
 * A column is one field of many samples, row after row. It is in memory, or on disk: then every row is read when it is asked
 * for, so that memory does not grow with the file.
 */
import {
  crc32,
  openRegularFile,
  TrainingError,
  type RegularFile,
  fieldLength,
  type SampleField,
  type FieldValues,
  allocateField,
} from '@facet/shared';
import { createHash } from 'node:crypto';
import type { SampleIds } from './sample-source.js';

/** One field of many samples. */
export interface Column {
  readonly field: SampleField;
  readonly rows: number;
  /** SHA-256 (hex) of the stored numbers, row after row. */
  readonly digest: string;
  /** Copies of rows that exist, in the order of their numbers. */
  read(rows: SampleIds): Promise<FieldValues>;
}

/** Numbers as a file stores them. */
export interface Stored {
  /** Bytes of one number. */
  readonly bytes: number;
  /**
   * Converts stored numbers.
   *
   * @param firstPlace - Place of the first of them in the array, for messages.
   * @throws TrainingError DATASET_INVALID naming the place of a number that does not fit.
   */
  convert(raw: Uint8Array, firstPlace: number): FieldValues;
  /** Whether a number may fail to fit: then all of them are tried when the file is opened. */
  readonly mayNotFit: boolean;
}

/** A part of a file that holds the rows of a column. */
export interface StoredRows {
  readonly path: string;
  /** Place of the first byte. */
  readonly start: number;
  readonly field: SampleField;
  readonly rows: number;
  readonly stored: Stored;
  /** Of the bytes from `checkedFrom` to the end of the rows, where the file says one. */
  readonly crc?: { readonly checkedFrom: number; readonly expected: number };
}

/** Longer files are refused; node reads places as doubles, which hold this exactly. */
const MOST_FILE_BYTES = Number.MAX_SAFE_INTEGER;
/** A multiple of every number's bytes. */
const SCAN_BYTES = 1 << 22;

/**
 * A column in memory, which it owns.
 *
 * @param stored - The same numbers as they are stored, if that is another form.
 */
export function memoryColumn(
  field: SampleField,
  rows: number,
  values: FieldValues,
  stored: ArrayBufferView = values,
): Column {
  const bytes = new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  const perRow = fieldLength(field);
  return {
    field,
    rows,
    digest: createHash('sha256').update(bytes).digest('hex'),
    read: (ids) => {
      const read = allocateField(field, ids.length);
      ids.forEach((id, i) => {
        read.set(values.subarray(id * perRow, (id + 1) * perRow), i * perRow);
      });
      return Promise.resolve(read);
    },
  };
}

/**
 * A column on disk. Opening reads it once, for its digest and for numbers that do not fit.
 *
 * @throws TrainingError DATASET_INVALID when a number does not fit or the checksum differs; its `read` when the file is no
 *   longer what was opened.
 */
export async function fileColumn(part: StoredRows): Promise<Column> {
  const { path, start, field, rows, stored } = part;
  const rowBytes = fieldLength(field) * stored.bytes;
  const opened = await scan(part, rows * rowBytes);
  return {
    field,
    rows,
    digest: opened.digest,
    read: async (ids) => {
      await using file = await openFile(path);
      const stamp = await stampOf(file);
      if (stamp !== opened.stamp) {
        const fault = `${path} changed since it was opened (${stamp}, expected ${opened.stamp}); start again`;
        throw new TrainingError('DATASET_INVALID', fault);
      }
      const raw = new Uint8Array(ids.length * rowBytes);
      const runs = consecutive(ids);
      await Promise.all(
        runs.map(({ first, at, count }) =>
          readFully(file, path, raw.subarray(at * rowBytes, (at + count) * rowBytes), start + first * rowBytes),
        ),
      );
      return stored.convert(raw, 0);
    },
  };
}

/** Reads the whole part once, in pieces. */
async function scan(part: StoredRows, bytes: number): Promise<{ digest: string; stamp: string }> {
  const { path, start, stored, crc } = part;
  await using file = await openFile(path);
  const stamp = await stampOf(file);
  const hash = createHash('sha256');
  let checksum = 0;
  if (crc !== undefined) {
    const head = new Uint8Array(start - crc.checkedFrom);
    await readFully(file, path, head, crc.checkedFrom);
    checksum = crc32(head);
  }
  for (let done = 0; done < bytes; done += SCAN_BYTES) {
    const piece = new Uint8Array(Math.min(SCAN_BYTES, bytes - done));
    await readFully(file, path, piece, start + done);
    hash.update(piece);
    if (crc !== undefined) checksum = crc32(piece, checksum);
    if (stored.mayNotFit) stored.convert(piece, done / stored.bytes);
  }
  if (crc !== undefined && checksum !== crc.expected) {
    const problem = `has checksum ${checksum} over an array, expected ${crc.expected}`;
    throw new TrainingError('DATASET_INVALID', `${path} ${problem}; the file is damaged, replace it`);
  }
  return { digest: hash.digest('hex'), stamp };
}

/** Opens a file that a column is in. @throws TrainingError DATASET_UNAVAILABLE when it cannot be read. */
export async function openFile(path: string): Promise<RegularFile> {
  try {
    return await openRegularFile(path, MOST_FILE_BYTES);
  } catch (cause) {
    const isAbsent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    const reason = isAbsent ? 'there is no such file' : TrainingError.from(cause).message;
    throw new TrainingError('DATASET_UNAVAILABLE', `${path} cannot be read: ${reason}`, { cause });
  }
}

/** Fills `target` from a place of a file. @throws TrainingError DATASET_INVALID when the file ends before. */
export async function readFully(file: RegularFile, path: string, target: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await file.handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) {
      const expected = position + target.length;
      throw new TrainingError(
        'DATASET_INVALID',
        `${path} ends at byte ${position + done}, expected ${expected} or more`,
      );
    }
    done += bytesRead;
  }
}

/** What changes when a file is written to. */
async function stampOf({ handle }: RegularFile): Promise<string> {
  const { size, mtimeNs } = await handle.stat({ bigint: true });
  return `${size} bytes of ${new Date(Number(mtimeNs / 1_000_000n)).toISOString()}+${mtimeNs % 1_000_000n} ns`;
}

/** Ids that follow each other are read at once. */
function consecutive(ids: SampleIds): { first: number; at: number; count: number }[] {
  const runs: { first: number; at: number; count: number }[] = [];
  ids.forEach((id, at) => {
    const last = runs.at(-1);
    if (last !== undefined && id === last.first + last.count) last.count += 1;
    else runs.push({ first: id, at, count: 1 });
  });
  return runs;
}
