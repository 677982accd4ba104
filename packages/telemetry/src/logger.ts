/**
 * Structured logs: one JSON object per line on stderr, so that stdout stays free for results.
 */
import { escapeInJson } from '@facet/shared';
import pino, { type Logger } from 'pino';

export type { Logger };

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

const STDERR = 2;
/** Bytes of lines that may wait for a full disk. Later lines are dropped. */
const MOST_WAITING_BYTES = 1 << 20;
/** Codes by which a pipe or a terminal says that nobody reads any more. */
const READER_GONE: ReadonlySet<string | undefined> = new Set(['EPIPE', 'EIO']);

/**
 * Opens the log of one process; `role` is on every line. A log that cannot be written does not end the process. If the disk
 * is full, lines wait for room. If the terminal is gone, they are dropped.
 *
 * @param file descriptor of the file that is written
 */
export function createLogger(role: string, level: LogLevel = 'info', file = STDERR): Logger {
  const destination = pino.destination({ dest: file, sync: true, maxLength: MOST_WAITING_BYTES });
  destination.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (READER_GONE.has(code)) destination.write = () => true;
  });
  // JSON leaves characters as they are that a terminal takes for commands.
  const write = (line: string): boolean => destination.write(escapeInJson(line));
  return pino({ level, base: { role, pid: process.pid } }, { write });
}
