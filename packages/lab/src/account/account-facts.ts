/**
 * What an account of a run is made of: facts that others have read from its folder. Times are milliseconds since 1970, as the
 * process that wrote them saw them.
 */
import type { HistoryItem, LedgerReport } from '@facet/shared';

/** A line of a process's log. */
export interface TraceLine {
  readonly atMs: number;
  /** The log that it stands in, `worker-1`. */
  readonly process: string;
  readonly pid: number;
  /** 40 and above: trouble. */
  readonly level: number;
  readonly message: string;
  readonly generation?: number;
  readonly step?: number;
  readonly workerId?: string;
  readonly code?: string;
  /** Why, in the words of the process. */
  readonly reason?: string;
}

/** How a process ended, as the process that had started it saw it. */
export interface ProcessEnd {
  readonly atMs: number;
  readonly process: string;
  readonly pid: number;
  /** `SIGKILL`, `exit code 1`. */
  readonly how: string;
}

/** An error that a process stated as the last thing it said; it has no time of its own. */
export interface StatedError {
  readonly process: string;
  readonly code: string;
  readonly message: string;
}

export interface AccountFacts {
  /** What the run is called today. */
  readonly run: string;
  /** In the order of the ledger. */
  readonly items: Iterable<HistoryItem>;
  /** What the ledger proves; undefined when it cannot be read. */
  readonly ledger: Pick<LedgerReport, 'missing' | 'duplicated' | 'foreign' | 'contradictions'> | undefined;
  readonly traces: readonly TraceLine[];
  readonly ends: readonly ProcessEnd[];
  readonly stated: readonly StatedError[];
  /** A coordinator is at work on it now. */
  readonly isRunning: boolean;
}
