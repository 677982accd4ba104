/**
 * Reads what there is to say about a run from its folder: ledger and logs.
 * Whatever is missing or damaged is left out: an account of a failure must not fail of it. It judges nothing.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { ProcessEnd, AccountFacts, StatedError, TraceLine } from '@facet/lab/data';
import { checkLedgerFile, historyItem, openRegularFile, readLedgerFile, type HistoryItem } from '@facet/shared';
import type { RunPaths } from './run-folders.js';
import { statusOf } from './running-runs.js';

/** Of one log: its end, where the trouble is. */
const MOST_LOG_BYTES = 8 * 1024 * 1024;
const MOST_LOGS = 2_000;
/** Bounded memory, whatever somebody has put into the folder. */
const MOST_LINES = 200_000;

/** The facts of a run that has begun. */
export async function readRunFacts(paths: RunPaths): Promise<AccountFacts> {
  const [items, ledger, logs, running] = await Promise.all([
    readItems(paths.ledger),
    checkLedgerFile(paths.ledger).catch(() => undefined),
    readLogs(paths.logs),
    statusOf(paths),
  ]);
  return {
    run: path.basename(paths.folder),
    items,
    ledger,
    ...logs,
    isRunning: running !== undefined,
  };
}

/** The items of a ledger; steps without the rest, which is most of it, stay small. */
async function readItems(ledger: string): Promise<HistoryItem[]> {
  const items: HistoryItem[] = [];
  await readLedgerFile(ledger, (record) => items.push(historyItem(record))).catch(() => undefined);
  return items;
}

interface Logs {
  readonly traces: TraceLine[];
  readonly ends: ProcessEnd[];
  readonly stated: StatedError[];
}

async function readLogs(folder: string): Promise<Logs> {
  const logs: Logs = { traces: [], ends: [], stated: [] };
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => each.endsWith('.log')).slice(0, MOST_LOGS)) {
    const text = await readEnd(path.join(folder, name)).catch(() => '');
    for (const line of text.split('\n')) takeLine(name.slice(0, -'.log'.length), line, logs);
  }
  logs.traces.sort((a, b) => a.atMs - b.atMs);
  return logs;
}

async function readEnd(file: string): Promise<string> {
  const { size } = await stat(file);
  await using opened = await openRegularFile(file, Number.MAX_SAFE_INTEGER);
  const length = Math.min(size, MOST_LOG_BYTES);
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await opened.handle.read(buffer, 0, length, size - length);
  return buffer.toString('utf8', 0, bytesRead);
}

function takeLine(process: string, line: string, { traces, ends, stated }: Logs): void {
  if (!line.startsWith('{') || traces.length >= MOST_LINES) return;
  const entry = parseObject(line);
  if (entry === undefined) return;
  const { error } = entry;
  if (isObject(error) && typeof error['code'] === 'string' && typeof error['message'] === 'string') {
    stated.push({ process, code: error['code'], message: error['message'] });
    return;
  }
  const end = endIn(entry);
  if (end !== undefined) {
    ends.push(end);
    return;
  }
  const trace = traceIn(process, entry);
  if (trace !== undefined) traces.push(trace);
}

/** A line of the launch's own log about the end of a child. */
function endIn({ role, time, child, pid, how }: Readonly<Record<string, unknown>>): ProcessEnd | undefined {
  if (role !== 'launch' || typeof time !== 'number' || typeof child !== 'string') return undefined;
  if (typeof pid !== 'number' || typeof how !== 'string') return undefined;
  return { atMs: time, process: child, pid, how };
}

/** A line of a log, as far as an account needs it. */
function traceIn(process: string, entry: Readonly<Record<string, unknown>>): TraceLine | undefined {
  const { time, pid, level, msg, generation, step, workerId, code, reason, err } = entry;
  if (typeof time !== 'number' || typeof level !== 'number' || typeof msg !== 'string') return undefined;
  const why =
    typeof reason === 'string'
      ? reason
      : isObject(err) && typeof err['message'] === 'string'
        ? err['message']
        : undefined;
  return {
    ...{ atMs: time, process, level, message: msg, pid: typeof pid === 'number' ? pid : 0 },
    ...(typeof generation === 'number' && { generation }),
    ...(typeof step === 'number' && { step }),
    ...(typeof workerId === 'string' && { workerId }),
    ...(typeof code === 'string' && { code }),
    ...(why !== undefined && { reason: why }),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(line) as unknown;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
