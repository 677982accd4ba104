/**
 * Structured logs: one JSON object per line on stderr, so that stdout stays free for results.
 */
import pino, { type Logger } from 'pino';

export type { Logger };

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Opens the log of one process; `role` is on every line. */
export function createLogger(role: string, level: LogLevel = 'info'): Logger {
  return pino({ level, base: { role, pid: process.pid } }, pino.destination({ dest: 2, sync: true }));
}
