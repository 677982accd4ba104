import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { describeEnd, endsWithin, startChild, type Child } from './child-process.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-child-'));
});

afterEach(() => rm(folder, { recursive: true }));

function start(script: string, command = process.execPath): Child {
  const logFile = path.join(folder, 'log');
  return startChild({ name: 'child', command, args: ['-e', script], logFile, env: process.env });
}

test('appends output to the log and reports the exit code', async () => {
  const first = start("console.log('out'); console.error('err'); process.exit(3)");
  expect(describeEnd(await first.ended)).toBe('exit code 3');
  expect(await readFile(first.logFile, 'utf8')).toBe('out\nerr\n');
  expect(start('').logStart).toBe(8);
});

test('reports a signal as a shell does', async () => {
  const child = start('setInterval(() => {}, 1000)');
  child.signal('SIGTERM');
  const end = await child.ended;
  expect(end).toEqual({ code: 143, signal: 'SIGTERM' });
  expect(describeEnd(end)).toBe('SIGTERM');
  // Nothing is there any more to be signalled.
  child.signal('SIGTERM');
  child.kill();
});

test('a command that does not exist is a child that ended', async () => {
  const child = start('', path.join(folder, 'nowhere'));
  expect(await child.ended).toEqual({ code: 127, signal: undefined });
  expect(child.pid).toBeUndefined();
});

test('a released child sees the end of its stdin', async () => {
  const child = start("process.stdin.on('end', () => process.exit(0)).resume()");
  expect(await endsWithin(child, 100)).toBe(false);
  child.release();
  expect(await endsWithin(child, 20_000)).toBe(true);
  expect(child.end()).toEqual({ code: 0, signal: undefined });
});

test('kill takes what the child started with it', async () => {
  const child = start(
    "const { spawn } = require('node:child_process'); console.log(spawn('sleep', ['60']).pid); setInterval(() => {}, 1000)",
  );
  await expect.poll(() => readFile(child.logFile, 'utf8')).toMatch(/^\d+\n$/);
  const grandchild = Number(await readFile(child.logFile, 'utf8'));
  child.kill();
  expect((await child.ended).signal).toBe('SIGKILL');
  // The machine's init takes a moment to reap it.
  await expect.poll(() => isAlive(grandchild), { timeout: 15_000 }).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
