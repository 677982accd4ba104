/**
 * What ties the lines of a ledger together. Every line but the first states, as `before`, the SHA-256 of the line before
 * it, newline included: a line that is changed, removed or inserted later shows at the next one, even when its own checksum
 * was made anew. Where lines of an earlier version stand before it, which state nothing, it covers all of them. It cannot
 * show that every line from some place on was made anew: for that the SHA-256 of the whole ledger must be known from
 * elsewhere.
 */
import { startSha256, type RunningSha256 } from '../sha256.js';
import { formatRecord, type LedgerRecord } from './ledger-record.js';

export class LedgerChain {
  #sinceStated: RunningSha256 = startSha256();
  readonly #all: RunningSha256 = startSha256();
  #isEmpty = true;

  /** What the next line states of those before it; undefined at the start of a ledger. */
  get before(): string | undefined {
    return this.#isEmpty ? undefined : this.#sinceStated.hex();
  }

  /** SHA-256 of the whole ledger so far, as `sha256sum` prints it. */
  get sha256(): string {
    return this.#all.hex();
  }

  /**
   * The next line, with its newline, which is then the last one.
   *
   * @throws TrainingError INTERNAL when the record breaks its own schema; nothing has changed then.
   */
  append(record: LedgerRecord): string {
    const { before } = this;
    const line = `${formatRecord(record, before)}\n`;
    if (before !== undefined) this.restart();
    this.add(new TextEncoder().encode(line));
    return line;
  }

  /** Takes in a line with its newline. */
  add(bytes: Uint8Array): void {
    this.#isEmpty = false;
    this.#sinceStated.update(bytes);
    this.#all.update(bytes);
  }

  /** The next line states what is before it: the one after that need cover only that line. */
  restart(): void {
    this.#sinceStated = startSha256();
  }
}
