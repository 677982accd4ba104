/** A file that rows are written to, one by one. It has its name only when all of it is there. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

/** A table on its way to a file. */
export interface TableFile<Row> {
  add(row: Row): void;
  /** Ends the file and gives it its name; returns its size. */
  end(): { readonly rows: number; readonly bytes: number };
  /** Leaves nothing behind, if the file was not ended. */
  discard(): void;
}

const BUFFER_BYTES = 1 << 16;
export const PART_SUFFIX = '.part';

/**
 * Bytes on their way to a file. Writing is synchronous: a ledger is read by callbacks, and what waited between them would
 * grow with the run.
 */
export class FileSink {
  readonly #path: string;
  readonly #file: number;
  #parts: Uint8Array[] = [];
  #waiting = 0;
  #bytes = 0;
  #isOpen = true;

  /** @throws the system's error when the file beside `path` cannot be made */
  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path + PART_SUFFIX, 'w');
  }

  write(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#waiting += bytes.byteLength;
    if (this.#waiting >= BUFFER_BYTES) this.#flush();
  }

  /** Gives the file its name; returns its size in bytes. */
  end(): number {
    this.#flush();
    fsyncSync(this.#file);
    this.#close();
    renameSync(this.#path + PART_SUFFIX, this.#path);
    return this.#bytes;
  }

  discard(): void {
    if (!this.#isOpen) return;
    this.#close();
    rmSync(this.#path + PART_SUFFIX, { force: true });
  }

  #close(): void {
    closeSync(this.#file);
    this.#isOpen = false;
  }

  #flush(): void {
    writeAll(this.#file, Buffer.concat(this.#parts, this.#waiting));
    this.#bytes += this.#waiting;
    this.#parts = [];
    this.#waiting = 0;
  }
}

/** Writes all of the bytes, also where the system takes them in pieces. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.byteLength;) at += writeSync(file, bytes, at);
}
