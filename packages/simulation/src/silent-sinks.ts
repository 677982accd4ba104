/**
 * Logs and metrics of simulated processes: nobody scrapes them, and a log line is kept only when somebody traces a seed.
 */
import type { Metrics } from '@facet/coordinator/internal';
import type { Logger } from '@facet/telemetry';

/** Receives what simulated processes log. */
export type Trace = (line: string) => void;

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** A logger that writes into a trace, or nowhere. */
export function traceLogger(name: string, nowMs: () => number, trace: Trace | undefined): Logger {
  const write = (level: string) => (first: unknown, text?: string) => {
    if (trace === undefined) return;
    const facts = typeof first === 'string' ? first : `${text ?? ''} ${JSON.stringify(first)}`;
    trace(`${nowMs().toFixed(2).padStart(10)} ${name.padEnd(12)} ${level.padEnd(5)} ${facts}`);
  };
  return Object.fromEntries(LEVELS.map((level) => [level, write(level)])) as unknown as Logger;
}

const IGNORE = { inc: () => undefined, observe: () => undefined };

/** Metrics that nobody reads. */
export const NO_METRICS = {
  samples: IGNORE,
  publishedBytes: IGNORE,
  ledgerCommits: IGNORE,
  leaves: IGNORE,
  strangers: IGNORE,
  outlyingMembers: IGNORE,
  replays: IGNORE,
  countFault: () => undefined,
  countOrder: () => undefined,
  regroupSeconds: IGNORE,
  checkpointSeconds: IGNORE,
  checkpointFailures: IGNORE,
  ledgerAppendSeconds: IGNORE,
} satisfies Record<Exclude<keyof Metrics, 'registry'>, unknown> as unknown as Metrics;
