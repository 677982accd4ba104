/**
 * Feeds pages from the file of a ledger, whoever writes it. Only whole lines are taken, so that the torn end of a write that is
 * under way, or that a crash cut short, never counts. A file that is another one than before is read from its beginning.
 */
import { LedgerReader, openRegularFile, TrainingError } from '@facet/shared';
import type { FileHandle } from 'node:fs/promises';
import { RunFeed } from './run-feed.js';

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;

interface Source {
  readonly inode: number;
  readonly feed: RunFeed;
  readonly reader: LedgerReader;
  /** Bytes of whole lines that were read. */
  bytes: number;
}

export class LedgerFollower {
  readonly #path: string;
  #source: Source | undefined;
  #reading: Promise<RunFeed> | undefined;

  /** @param path of the ledger's file */
  constructor(path: string) {
    this.#path = path;
  }

  /** Whether a page listens. */
  get isWatched(): boolean {
    return (this.#source?.feed.listeners ?? 0) > 0;
  }

  /**
   * The feed with all that stands in the file now.
   *
   * @throws TrainingError RUN_NOT_FOUND when there is no such file, or it cannot be read.
   */
  read(): Promise<RunFeed> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  close(): void {
    this.#source?.feed.close();
    this.#source = undefined;
  }

  async #read(): Promise<RunFeed> {
    try {
      await using file = await openRegularFile(this.#path, Number.MAX_SAFE_INTEGER);
      const { ino: inode } = await file.handle.stat();
      const known = this.#source;
      const isSame = known !== undefined && known.inode === inode && known.bytes <= file.bytes;
      const source = isSame ? known : newSource(inode);
      await readLines(file.handle, source, file.bytes);
      // Pages of the file before connect again, and go on if it holds the same records.
      if (source !== known) known?.feed.close();
      this.#source = source;
      return source.feed;
    } catch (caught) {
      throw new TrainingError('RUN_NOT_FOUND', `${this.#path} cannot be read: ${TrainingError.from(caught).message}`, {
        cause: caught,
      });
    }
  }
}

function newSource(inode: number): Source {
  const feed = new RunFeed();
  const reader = new LedgerReader((record) => {
    feed.add(record);
  });
  return { inode, feed, reader, bytes: 0 };
}

/** Reads what was added, up to the end of its last line. */
async function readLines(handle: FileHandle, source: Source, end: number): Promise<void> {
  const whole = await endOfLines(handle, source.bytes, end);
  const chunk = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(whole - source.bytes, 1)));
  while (source.bytes < whole) {
    const length = Math.min(chunk.length, whole - source.bytes);
    const { bytesRead } = await handle.read(chunk, 0, length, source.bytes);
    if (bytesRead === 0) return;
    source.reader.push(chunk.subarray(0, bytesRead));
    source.bytes += bytesRead;
  }
}

/** Where the last whole line between two places ends; the first place if there is none. */
async function endOfLines(handle: FileHandle, begin: number, end: number): Promise<number> {
  const chunk = new Uint8Array(1 << 16);
  for (let upper = end; upper > begin;) {
    const lower = Math.max(begin, upper - chunk.length);
    const { bytesRead } = await handle.read(chunk, 0, upper - lower, lower);
    const place = chunk.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (place >= 0) return lower + place + 1;
    upper = lower;
  }
  return begin;
}
