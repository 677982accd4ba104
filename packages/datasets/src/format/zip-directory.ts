/**
 * The directory of a ZIP archive (PKWARE's APPNOTE 6.3), as NumPy's .npz files have it, with the 64-bit fields that NumPy
 * writes for large arrays. Says where every entry is; uncompresses nothing.
 */
import { TrainingError } from '@facet/shared';

/** One entry of an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly isCompressed: boolean;
  readonly compressedBytes: number;
  /** Bytes of the content. */
  readonly bytes: number;
  /** CRC-32 of the content. */
  readonly crc: number;
  /** Place of the entry's own header, which its content follows. */
  readonly headerAt: number;
}

/** Where the directory is in the file. */
export interface DirectoryPlace {
  readonly at: number;
  readonly bytes: number;
  readonly entries: number;
}

/** So many last bytes of a file hold the end of the directory: the record, the longest comment, and its 64-bit forms. */
export const ZIP_TAIL_BYTES = 22 + 0xffff + 20 + 56;
/** Bytes of an entry's own header before its name. */
export const ZIP_HEADER_BYTES = 30;

const END = 0x06054b50;
const END_64_PLACE = 0x07064b50;
const END_64 = 0x06064b50;
const ENTRY = 0x02014b50;
const HEADER = 0x04034b50;
const ENTRY_BYTES = 46;
const SEE_64_BITS = 0xffffffff;
const EXTRA_64_BITS = 1;
const IS_ENCRYPTED = 1;
const STORED = 0;
const DEFLATED = 8;

/**
 * Finds the directory.
 *
 * @param tail - The file's last {@link ZIP_TAIL_BYTES} bytes, or all of it.
 * @param tailAt - Place of the tail in the file.
 * @throws TrainingError DATASET_INVALID when this is no whole ZIP archive.
 */
export function findZipDirectory(file: string, tail: Uint8Array, tailAt: number): DirectoryPlace {
  const view = viewOf(tail);
  for (let at = tail.length - 22; at >= 0; at--) {
    if (view.getUint32(at, true) !== END || at + 22 + view.getUint16(at + 20, true) !== tail.length) continue;
    const [entries, bytes, place] = [
      view.getUint16(at + 10, true),
      view.getUint32(at + 12, true),
      view.getUint32(at + 16, true),
    ];
    const has64Bits = at >= 20 && view.getUint32(at - 20, true) === END_64_PLACE;
    if (!has64Bits) return { at: place, bytes, entries };
    const end64 = Number(view.getBigUint64(at - 20 + 8, true)) - tailAt;
    if (end64 < 0 || end64 + 56 > tail.length || view.getUint32(end64, true) !== END_64) break;
    return { at: wide(view, end64 + 48), bytes: wide(view, end64 + 40), entries: wide(view, end64 + 32) };
  }
  throw invalidZip(file, 'has no directory at its end, expected a whole .npz (ZIP) archive');
}

/**
 * Parses the directory.
 *
 * @throws TrainingError DATASET_INVALID when an entry is cut, encrypted, or compressed in another way than numpy does.
 */
export function parseZipDirectory(file: string, directory: Uint8Array, expectedEntries: number): ZipEntry[] {
  const view = viewOf(directory);
  const entries: ZipEntry[] = [];
  let at = 0;
  while (entries.length < expectedEntries) {
    if (at + ENTRY_BYTES > directory.length || view.getUint32(at, true) !== ENTRY) {
      throw invalidZip(file, `has ${entries.length} readable entries in its directory, expected ${expectedEntries}`);
    }
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const extraAt = at + ENTRY_BYTES + nameBytes;
    const next = extraAt + extraBytes + view.getUint16(at + 32, true);
    if (next > directory.length) throw invalidZip(file, 'has a cut directory, expected a whole .npz (ZIP) archive');
    const name = new TextDecoder().decode(directory.subarray(at + ENTRY_BYTES, extraAt));
    if ((view.getUint16(at + 8, true) & IS_ENCRYPTED) !== 0) throw invalidZip(file, `has the encrypted entry ${name}`);
    const method = view.getUint16(at + 10, true);
    if (method !== STORED && method !== DEFLATED) {
      throw invalidZip(file, `has the entry ${name} with compression ${method}, expected 0 (none) or 8 (deflate)`);
    }
    const sizes = [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)];
    const [bytes, compressedBytes, headerAt] = widened(file, sizes, directory.subarray(extraAt, extraAt + extraBytes));
    const isCompressed = method === DEFLATED;
    entries.push({ name, isCompressed, compressedBytes, bytes, crc: view.getUint32(at + 16, true), headerAt });
    at = next;
  }
  return entries;
}

/**
 * The place of an entry's content.
 *
 * @param header - The {@link ZIP_HEADER_BYTES} bytes at the entry's `headerAt`.
 */
export function zipContentAt(file: string, { name, headerAt }: ZipEntry, header: Uint8Array): number {
  const view = viewOf(header);
  if (view.getUint32(0, true) !== HEADER) throw invalidZip(file, `has no entry ${name} where its directory says`);
  return headerAt + ZIP_HEADER_BYTES + view.getUint16(26, true) + view.getUint16(28, true);
}

/** An archive that is not what it should be. */
export function invalidZip(file: string, problem: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `${file} ${problem}; write it again with numpy.savez`);
}

/** Numbers that do not fit into 32 bits are in the extra field, in the same order. */
function widened(file: string, sizes: readonly number[], extra: Uint8Array): [number, number, number] {
  const view = viewOf(extra);
  let wideAt: number | undefined;
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) === EXTRA_64_BITS) wideAt = at + 4;
  }
  const [bytes, compressedBytes, headerAt] = sizes.map((size) => {
    if (size !== SEE_64_BITS) return size;
    if (wideAt === undefined || wideAt + 8 > extra.length) throw invalidZip(file, 'has an entry without a length');
    wideAt += 8;
    return wide(view, wideAt - 8);
  });
  return [bytes!, compressedBytes!, headerAt!];
}

function wide(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
