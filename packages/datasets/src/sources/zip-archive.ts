/** ZIP archives, as NumPy's .npz files are. yauzl reads them; this file says what is expected of them, and in our words. */
import { buffer } from 'node:stream/consumers';
import { TrainingError } from '@facet/shared';
import { fromFdPromise, type Entry, type ZipFile } from 'yauzl';

/** One entry of an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly isCompressed: boolean;
  /** Bytes of the content. */
  readonly bytes: number;
  /** CRC-32 of the content, which nobody has checked yet. */
  readonly crc: number;
  /** Place of the content in the file. */
  contentAt(): Promise<number>;
  /**
   * The content, in memory.
   *
   * @param label of the entry, for messages
   */
  content(label: string): Promise<Uint8Array>;
}

const STORED = 0;

/**
 * The entries of an archive, in the order of its directory.
 *
 * @param path of the file, for messages
 * @param fd of the open file, which must stay open until the last entry was used
 * @throws TrainingError DATASET_INVALID when this is no whole ZIP archive, or an entry is encrypted or compressed in another way
 *   than numpy does it.
 */
export async function* eachEntry(path: string, fd: number): AsyncGenerator<ZipEntry> {
  const inOurWords = async <Value>(what: string, promise: Promise<Value>): Promise<Value> => {
    try {
      return await promise;
    } catch (cause) {
      const { message } = TrainingError.from(cause);
      throw invalidZip(path, `${what} (${message}), expected a whole .npz (ZIP) archive`, cause);
    }
  };
  const directory = 'has no directory at its end';
  const archive = await inOurWords(directory, fromFdPromise(fd, { autoClose: false, lazyEntries: true }));
  const entries = archive.eachEntry();
  for (;;) {
    const next = await inOurWords('has a damaged directory', entries.next());
    if (next.done === true) return;
    yield entryOf(path, archive, next.value, inOurWords);
  }
}

type InOurWords = <Value>(what: string, promise: Promise<Value>) => Promise<Value>;

function entryOf(path: string, archive: ZipFile, entry: Entry, inOurWords: InOurWords): ZipEntry {
  const { fileName, compressionMethod } = entry;
  if (entry.isEncrypted()) throw invalidZip(path, `has the encrypted entry ${fileName}`);
  if (!entry.canDecodeFileData()) {
    throw invalidZip(
      path,
      `has the entry ${fileName} with compression ${compressionMethod}, expected 0 (none) or 8 (deflate)`,
    );
  }
  return {
    name: fileName,
    isCompressed: compressionMethod !== STORED,
    bytes: entry.uncompressedSize,
    crc: entry.crc32,
    async contentAt() {
      const header = archive.readLocalFileHeaderPromise(entry, { minimal: true });
      return (await inOurWords(`has no entry ${fileName} where its directory says`, header)).fileDataStart;
    },
    content: (label) =>
      inOurWords(`has damaged content in ${label}`, archive.openReadStreamPromise(entry).then(buffer)),
  };
}

/** An archive that is not what it should be. */
export function invalidZip(path: string, problem: string, cause?: unknown): TrainingError {
  return new TrainingError('DATASET_INVALID', `${path} ${problem}; write it again with numpy.savez`, { cause });
}
