/**
 * Feeds pages from the file of a ledger, whoever writes it. A file that is another one than before is read from its beginning.
 */
import type { FileHandle } from 'node:fs/promises';
import { LedgerTail, openRegularFile, TrainingError } from '@facet/shared';
import { RunFeed } from './run-feed.js';

interface Source {
  readonly inode: number;
  readonly feed: RunFeed;
  readonly tail: LedgerTail;
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
      const isSame = known !== undefined && known.inode === inode && known.tail.offset <= file.bytes;
      const source = isSame ? known : newSource(inode);
      await readOn(file, source.tail);
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
  const tail = new LedgerTail((record) => {
    feed.add(record);
  });
  return { inode, feed, tail };
}

async function readOn({ handle }: { readonly handle: FileHandle }, tail: LedgerTail): Promise<void> {
  let bytes: Uint8Array;
  do {
    const { buffer, bytesRead } = await handle.read(new Uint8Array(tail.wanted), 0, tail.wanted, tail.offset);
    bytes = buffer.subarray(0, bytesRead);
  } while (tail.take(bytes));
}
