import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Child } from './child-process.js';
import { childFailure, describeFailure, lastLines, readable } from './log-tail.js';

let folder = '';
let logFile = '';

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-log-'));
  logFile = path.join(folder, 'worker-0.log');
  await writeFile(logFile, 'of an earlier process\n');
});

afterEach(() => rm(folder, { recursive: true }));

const child = (): Child =>
  ({ name: 'worker-0', logFile, logStart: 22, end: () => ({ code: 1, signal: undefined }) }) as Partial<Child> as Child;

test('shows structured lines as people read them', () => {
  const entry = { level: 40, time: 0, role: 'worker', pid: 7, generation: 2, msg: 'fault', code: 'STALE' };
  expect(readable(JSON.stringify(entry))).toBe('00:00:00 warning: fault generation=2 code=STALE');
  expect(readable('plain text')).toBe('plain text');
  expect(readable('{"not": "a log line"}')).toBe('{"not": "a log line"}');
  expect(readable('{torn')).toBe('{torn');
});

test('reads only what this process wrote', async () => {
  expect(await lastLines(child(), 3)).toEqual([]);
  await appendFile(logFile, 'one\n\ntwo\nthree\nfour\n');
  expect(await lastLines(child(), 3)).toEqual(['two', 'three', 'four']);
});

test('gives back the error that a process stated, with its code', async () => {
  const stated = { error: { code: 'PORT_BUSY', message: 'port 5 is in use' } };
  await appendFile(logFile, `${JSON.stringify(stated)}\nsome warning at exit\n`);
  const error = await childFailure(child());
  expect(error).toMatchObject({ code: 'PORT_BUSY', isUsage: true });
  expect(error.message).toBe(`worker-0: port 5 is in use (log: ${logFile})`);
  expect(await describeFailure(child())).toMatchObject({
    how: 'PORT_BUSY: port 5 is in use',
    error: { code: 'PORT_BUSY' },
  });
});

test('else says how the process ended and what it wrote last', async () => {
  await appendFile(logFile, 'about to crash\nSegmentation fault\n');
  const error = await childFailure(child());
  expect(error.message).toBe(
    `worker-0 ended with exit code 1, log: ${logFile}; its last lines:\n  about to crash\n  Segmentation fault`,
  );
  expect(await describeFailure(child())).toEqual({ how: 'exit code 1', error: undefined, isOutcome: false });
  expect(error.isUsage).toBe(false);
});

test('tells a worker that took part to the end from one that died', async () => {
  await appendFile(logFile, '{"outcome":"failed","message":"too few workers"}\n');
  expect(await describeFailure(child())).toMatchObject({ isOutcome: true });
});
