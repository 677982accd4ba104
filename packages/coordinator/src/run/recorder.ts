/**
 * Writes the ledger's records: stamps them, measures how long the disk takes, and lets callers go on when a record is
 * durable. A ledger that cannot be written is reported once, by the ledger itself; nothing here rejects.
 */
import type { Clock, LedgerRecord } from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import type { LedgerFile } from '@facet/storage';
import type { Metrics } from '../metrics/metrics.js';

type WithoutTime<R> = R extends unknown ? Omit<R, 'at'> : never;

/** A record before it is stamped. */
export type NewRecord = WithoutTime<LedgerRecord>;

export interface RecorderOptions {
  readonly ledger: Pick<LedgerFile, 'append'>;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'ledgerAppendSeconds'>;
  readonly log: Logger;
}

export interface Recorder {
  /** Resolves to true when the record is on disk, to false when the ledger cannot be written. */
  append(record: NewRecord): Promise<boolean>;
  /** Resolves to true when everything that was appended so far is on disk, to false when the ledger cannot be written. */
  settled(): Promise<boolean>;
}

export function createRecorder({ ledger, clock, metrics, log }: RecorderOptions): Recorder {
  const write = async (record: NewRecord): Promise<boolean> => {
    const startedMs = clock.now();
    try {
      await ledger.append({ ...record, at: clock.wallTime() });
      metrics.ledgerAppendSeconds.observe((clock.now() - startedMs) / 1_000);
      return true;
    } catch (caught) {
      log.error({ kind: record.kind, reason: String(caught) }, 'a record was not written');
      return false;
    }
  };
  // Records become durable in order, so if the last one is durable all are.
  let last = Promise.resolve(true);
  return {
    append(record) {
      last = write(record);
      return last;
    },
    settled: () => last,
  };
}
