/**
 * Ledgers as files, read piece by piece, because they may be longer than a string can be; and the verdict on one, which
 * whoever trained the run and `facet ledger check` take from here, so that they cannot disagree.
 */
import { TrainingError } from '../errors.js';
import { historyItem } from '../history/item-of-record.js';
import { RunHistory, type HistoryView } from '../history/run-history.js';
import { LedgerChecker, type LedgerReport } from '../ledger/check-ledger.js';
import type { LedgerRecord } from '../ledger/ledger-record.js';
import { LedgerReader, type LedgerEnd } from '../ledger/read-ledger.js';
import { openRegularFile } from './regular-file.js';

const CHUNK_BYTES = 1 << 20;

/**
 * Reads a ledger.
 *
 * @param onRecord called with every readable record, in order
 * @throws Error when it is no regular file; the system's error when there is none, or it cannot be read.
 */
export async function readLedgerFile(path: string, onRecord: (record: LedgerRecord) => void): Promise<LedgerEnd> {
  await using file = await openRegularFile(path, Number.MAX_SAFE_INTEGER);
  const reader = new LedgerReader(onRecord);
  const chunk = new Uint8Array(CHUNK_BYTES);
  for (;;) {
    const { bytesRead } = await file.handle.read(chunk, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return reader.end();
    reader.push(chunk.subarray(0, bytesRead));
  }
}

/** All records of a ledger that is known to be short; see readLedgerFile. */
export async function readLedgerRecords(path: string): Promise<readonly LedgerRecord[]> {
  const records: LedgerRecord[] = [];
  await readLedgerFile(path, (record) => records.push(record));
  return records;
}

/**
 * The history in a ledger's file; every readable record counts.
 *
 * @throws as readLedgerFile
 */
export async function readRunHistory(path: string, options?: { readonly mostPoints?: number }): Promise<HistoryView> {
  const history = new RunHistory(options);
  await readLedgerFile(path, (record) => {
    history.add(historyItem(record));
  });
  return history.view();
}

/** What a ledger's file proves. */
export interface LedgerVerdict extends LedgerReport {
  /** Whether the file ends in the middle of a line, which was never acknowledged and does not count. */
  readonly hasTornTail: boolean;
  /** Whether each line vouches for the one before it; false for those of earlier versions. */
  readonly isChained: boolean;
  /** Of the file up to its torn tail: what a copy, or a later state of the file, can be compared with. */
  readonly sha256: string;
}

/**
 * Judges a ledger from its file alone.
 *
 * @throws TrainingError LEDGER_INVALID when it is no ledger; the system's error when it cannot be read.
 */
export async function checkLedgerFile(path: string): Promise<LedgerVerdict> {
  const checker = new LedgerChecker();
  const { damaged, damagedLines, tornBytes, isChained, chain } = await readLedgerFile(path, (record) => {
    checker.add(record);
  });
  const report = checker.report();
  if (report.run === undefined) {
    const [first] = damaged;
    const reason = first === undefined ? report.problems.join('; ') : `line ${first.line}: ${first.reason}`;
    throw new TrainingError('LEDGER_INVALID', `${path} cannot be read as a ledger: ${reason}; restore it from a copy`);
  }
  const more = damagedLines - damaged.length;
  const damage = [
    ...damaged.map(({ line, reason }) => `line ${line} is damaged: ${reason}`),
    ...(more === 0 ? [] : [`and ${more} more damaged lines`]),
  ];
  return {
    ...report,
    contradictions: [...damage, ...report.contradictions],
    problems: [...damage, ...report.problems],
    clean: report.clean && damagedLines === 0,
    hasTornTail: tornBytes > 0,
    isChained,
    sha256: chain.sha256,
  };
}
