/**
 * Turns the ledger's text into records. A write that a crash cut short can only be at the end, so the torn tail is set
 * aside and named; damage anywhere else is reported line by line and never dropped. This file judges lines, not the run.
 */
import { parseRecord, type LedgerRecord } from './ledger-record.js';

/** A line before the tail that cannot be read, or an intact last line that this version does not understand. */
export interface DamagedLine {
  /** 1-based. */
  readonly line: number;
  readonly reason: string;
}

/** What a ledger's text holds. `records` are the readable ones, in order, around any damaged line. */
export interface ParsedLedger {
  readonly records: readonly LedgerRecord[];
  /** True when the end of the text is not a whole, sound line. */
  readonly tornTail: boolean;
  /** The length in characters of the text before the torn tail; the whole text when nothing is torn. */
  readonly soundLength: number;
  readonly damaged: readonly DamagedLine[];
}

/** Reads a ledger. Text after the last newline is torn even when it reads well: it was never acknowledged. */
export function parseLedger(text: string): ParsedLedger {
  const records: LedgerRecord[] = [];
  const damaged: DamagedLine[] = [];
  let soundLength = text.lastIndexOf('\n') + 1;
  let start = 0;
  for (let line = 1; start < soundLength; line += 1) {
    const end = text.indexOf('\n', start);
    const parsed = parseRecord(text.slice(start, end));
    const isLast = end + 1 === text.length;
    if (parsed.ok) records.push(parsed.record);
    else if (isLast && parsed.damage === 'checksum') soundLength = start;
    else damaged.push({ line, reason: parsed.reason });
    start = end + 1;
  }
  return { records, tornTail: soundLength < text.length, soundLength, damaged };
}
