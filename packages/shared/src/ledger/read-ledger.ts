/**
 * Turns the bytes of a ledger into records, piece by piece: memory is that of one line, whatever the length of the file.
 * A write that a crash cut short has no newline at its end, so that is what a torn tail is; it was never acknowledged, is
 * set aside and named. Any other damage, the last line's too, is reported and never dropped. This file judges lines and
 * what ties them together (ledger-chain.ts), not the run.
 */
import { LedgerChain } from './ledger-chain.js';
import { parseRecord, type LedgerRecord } from './ledger-record.js';

/** 12 million sample ids; a longer line is no record. */
const MAX_LINE_BYTES = 1 << 26;
/** A file that is no ledger has many. */
const MAX_DAMAGED_LINES = 20;

const NEWLINE = 0x0a;

/** A line that cannot be read, or that does not fit the one before it. */
export interface DamagedLine {
  /** 1-based. */
  readonly line: number;
  readonly reason: string;
}

/** What a ledger was, once all of it is read. */
export interface LedgerEnd {
  /** Whole lines, damaged ones too. */
  readonly lines: number;
  /** Bytes after the last newline. */
  readonly tornBytes: number;
  /** Bytes up to the last newline, that one included. */
  readonly soundBytes: number;
  /** The first 20 of them. */
  readonly damaged: readonly DamagedLine[];
  readonly damagedLines: number;
  /** Whether each line vouches for the one before it; false for those of earlier versions. */
  readonly isChained: boolean;
  /** What the next line must state, and the SHA-256 of the sound bytes. */
  readonly chain: LedgerChain;
}

export class LedgerReader {
  readonly #onRecord: (record: LedgerRecord) => void;
  readonly #chain = new LedgerChain();
  readonly #damaged: DamagedLine[] = [];
  #damagedLines = 0;
  /** Parts of a line whose newline has not come yet. */
  #parts: Uint8Array[] = [];
  #partBytes = 0;
  #soundBytes = 0;
  #line = 0;
  /** From the first line on that states what is before it, all must. */
  #mustState = false;
  /** Lines that state nothing, the first one left out. */
  #unstated = 0;
  /** What is before the next line was damaged, so that nothing can be said of what it states. */
  #isBroken = false;

  /** @param onRecord called with every readable record, in order, around damaged lines */
  constructor(onRecord: (record: LedgerRecord) => void) {
    this.#onRecord = onRecord;
  }

  /** Takes in the next bytes of the file. */
  push(bytes: Uint8Array): void {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      this.#endLine(bytes.subarray(start, end + 1));
      start = end + 1;
    }
    if (start < bytes.length) this.#keep(bytes.subarray(start));
  }

  /** The file has ended. */
  end(): LedgerEnd {
    return {
      lines: this.#line,
      tornBytes: this.#partBytes,
      soundBytes: this.#soundBytes,
      damaged: this.#damaged,
      damagedLines: this.#damagedLines,
      isChained: this.#unstated === 0,
      chain: this.#chain,
    };
  }

  #keep(part: Uint8Array): void {
    this.#partBytes += part.length;
    if (this.#partBytes > MAX_LINE_BYTES) this.#parts = [];
    // The caller fills its buffer again; `slice` of a Buffer would not copy.
    else this.#parts.push(Uint8Array.from(part));
  }

  /** @param rest of the line, with its newline */
  #endLine(rest: Uint8Array): void {
    const bytes = this.#partBytes + rest.length;
    const line = Buffer.concat([...this.#parts, rest]);
    this.#parts = [];
    this.#partBytes = 0;
    this.#soundBytes += bytes;
    this.#line += 1;
    if (bytes > MAX_LINE_BYTES) this.#damage(`the line has ${bytes} bytes, expected ${MAX_LINE_BYTES} at most`);
    else this.#readLine(line);
    this.#chain.add(line);
  }

  #readLine(line: Buffer): void {
    const parsed = parseRecord(line.toString('utf8', 0, line.length - 1));
    if (!parsed.ok) {
      this.#damage(parsed.reason);
      return;
    }
    const { record, before } = parsed;
    const fault = this.#linkFault(before);
    this.#isBroken = false;
    if (before !== undefined) this.#chain.restart();
    else if (this.#line > 1) this.#unstated += 1;
    this.#mustState ||= before !== undefined || (record.kind === 'run' && record.version > 1);
    if (fault !== undefined) this.#note(fault);
    this.#onRecord(record);
  }

  /** What is wrong between this line and those before it. */
  #linkFault(before: string | undefined): string | undefined {
    if (this.#isBroken) return undefined;
    const actual = this.#chain.before;
    if (before === undefined) {
      const isMissing = this.#mustState && this.#line > 1;
      return isMissing ? 'it does not say which line it was written after, as the lines before it do' : undefined;
    }
    if (before === actual) return undefined;
    return (
      'it was not written after the line before it, which was changed, removed or inserted later: ' +
      `that has SHA-256 ${actual ?? 'none, as there is no line'}, expected ${before}`
    );
  }

  #damage(reason: string): void {
    this.#isBroken = true;
    this.#note(reason);
  }

  #note(reason: string): void {
    this.#damagedLines += 1;
    if (this.#damaged.length < MAX_DAMAGED_LINES) this.#damaged.push({ line: this.#line, reason });
  }
}
