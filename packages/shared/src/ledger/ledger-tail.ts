/**
 * Follows a ledger's file while others write it: whoever has the file reads where this says, and hands over what was there. Only
 * whole lines count. So the torn end of a write that is under way is read again later, and one that a crash cut short, and that
 * the next coordinator cuts off, never counts.
 */
import { LedgerReader } from './read-ledger.js';
import type { LedgerRecord } from './ledger-record.js';

const FIRST_WANTED_BYTES = 1 << 16;
const MOST_WANTED_BYTES = 1 << 27;
const NEWLINE = 0x0a;

export class LedgerTail {
  readonly #reader: LedgerReader;
  #offset = 0;
  #wanted = FIRST_WANTED_BYTES;

  /** @param onRecord called with every readable record, in order */
  constructor(onRecord: (record: LedgerRecord) => void) {
    this.#reader = new LedgerReader(onRecord);
  }

  /** Where to read next: the end of the last whole line, in bytes. */
  get offset(): number {
    return this.#offset;
  }

  /** How many bytes to ask for: more after a line that is longer. */
  get wanted(): number {
    return this.#wanted;
  }

  /**
   * Takes in what stands at `offset`.
   *
   * @param bytes at most `wanted`; fewer only where the file ends
   * @returns whether to read on at once; false at the end of the file
   */
  take(bytes: Uint8Array): boolean {
    const end = bytes.lastIndexOf(NEWLINE) + 1;
    if (end === 0 && bytes.length === this.#wanted && this.#wanted < MOST_WANTED_BYTES) {
      this.#wanted *= 2;
      return true;
    }
    // A line that is longer than any record is the reader's to report.
    const taken = end === 0 && bytes.length === this.#wanted ? bytes.length : end;
    this.#reader.push(bytes.subarray(0, taken));
    this.#offset += taken;
    return taken > 0;
  }
}
