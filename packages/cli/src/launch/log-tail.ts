/**
 * The end of a child's log, for the message that says why it ended. Lines of JSON are shown as people read them; the error
 * that a `facet` child states on its last line is recognised, so that its code and message reach the person at the terminal.
 */
import { open } from 'node:fs/promises';
import { parseErrorCode, TrainingError } from '@facet/shared';
import { describeEnd, type Child, type ChildEnd } from './child-process.js';
import type { WorkerFailure } from './worker-crew.js';

const TAIL_BYTES = 64 * 1024;
const SHOWN_LINES = 12;

/** The last lines that a child has written, shortened to what a reader needs. */
export async function lastLines(child: Child, count: number): Promise<string[]> {
  return (await readTail(child)).slice(-count).map(readable);
}

/** How a child ended, in a few words: the error it states, else its exit code or signal. */
export async function describeFailure(child: Child): Promise<WorkerFailure> {
  return failureIn(await readTail(child), child.end());
}

/** The same from the last lines that it has written. */
export function failureIn(lines: readonly string[], end: ChildEnd | undefined): WorkerFailure {
  const error = statedIn(lines);
  const isOutcome = typeof parseObject(lines.at(-1) ?? '')?.['outcome'] === 'string';
  if (error !== undefined) return { how: `${error.code}: ${error.message}`, error, isOutcome };
  return { how: end === undefined ? 'it does not end' : describeEnd(end), error, isOutcome };
}

/** Why a child failed: the error it states, else how it ended with the last lines of its log. */
export async function childFailure(child: Child): Promise<TrainingError> {
  const lines = await readTail(child);
  const stated = statedIn(lines);
  if (stated !== undefined) {
    return new TrainingError(stated.code, `${child.name}: ${stated.message} (log: ${child.logFile})`, {
      cause: stated,
    });
  }
  const end = child.end();
  const how = end === undefined ? 'does not end' : `ended with ${describeEnd(end)}`;
  const shown = lines.slice(-SHOWN_LINES).map((line) => `  ${readable(line)}`);
  const told = shown.length === 0 ? 'it wrote nothing' : `its last lines:\n${shown.join('\n')}`;
  return new TrainingError('INTERNAL', `${child.name} ${how}, log: ${child.logFile}; ${told}`);
}

function statedIn(lines: readonly string[]): TrainingError | undefined {
  return lines.map(statedError).findLast((error) => error !== undefined);
}

/** One line of a log as people read it. */
export function readable(line: string): string {
  const entry = parseObject(line);
  const { msg, level, time, role: _role, pid: _pid, hostname: _hostname, ...rest } = entry ?? {};
  if (typeof msg !== 'string') return line;
  const clock = typeof time === 'number' ? `${new Date(time).toISOString().slice(11, 19)} ` : '';
  const facts = Object.entries(rest)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('');
  const text = `${clock}${LEVELS[String(level)] ?? ''}${msg}${facts}`;
  return text.length > 400 ? `${text.slice(0, 397)}...` : text;
}

/** Whether a line tells of trouble: of a level from warning on, or no line of a log at all. */
export function isTrouble(line: string): boolean {
  const entry = parseObject(line);
  if (entry === undefined) return true;
  const { level } = entry;
  return typeof level === 'number' && level >= WARNING;
}

const WARNING = 40;
const LEVELS: Readonly<Record<string, string>> = { 40: 'warning: ', 50: 'error: ', 60: 'error: ' };

async function readTail({ logFile, logStart }: Child): Promise<string[]> {
  let text: string;
  try {
    await using file = await open(logFile, 'r');
    const { size } = await file.stat();
    const start = Math.max(logStart, size - TAIL_BYTES);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    await file.read(buffer, 0, buffer.length, start);
    text = buffer.toString('utf8');
  } catch {
    return [];
  }
  return text.split('\n').filter((line) => line.trim() !== '');
}

/** The error in a line such as `{"error":{"code":"PORT_BUSY","message":"..."}}`, which main.ts prints with --json. */
function statedError(line: string): TrainingError | undefined {
  const { error } = parseObject(line) ?? {};
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, message } = error as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string') return undefined;
  return new TrainingError(parseErrorCode(code), message);
}

function parseObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
