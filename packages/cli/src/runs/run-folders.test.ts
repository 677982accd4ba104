import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  claimRunFolder,
  defaultRunName,
  listRuns,
  requireFreeName,
  requireRun,
  runPaths,
  runsFolder,
} from './run-folders.js';

let runs = '';

beforeEach(async () => {
  runs = await mkdtemp(path.join(tmpdir(), 'facet-runs-'));
});

afterEach(() => rm(runs, { recursive: true }));

async function addRun(name: string, ageSeconds = 0): Promise<void> {
  await mkdir(path.join(runs, name));
  const ledger = path.join(runs, name, 'ledger.jsonl');
  await writeFile(ledger, '');
  const at = Date.now() / 1000 - ageSeconds;
  await utimes(ledger, at, at);
}

test('runs live in FACET_RUNS, else in ./runs', () => {
  expect(runsFolder({ FACET_RUNS: '/somewhere' })).toBe('/somewhere');
  expect(runsFolder({ FACET_RUNS: '' })).toBe(path.resolve('runs'));
});

test.each(['../x', '/etc', 'a/b', '..', '', '-a', 'a b', 'a.b', 'x'.repeat(65)])('refuses %j as a name', (name) => {
  expect(() => runPaths(runs, name)).toThrow(expect.objectContaining({ code: 'RUN_NAME_INVALID' }));
});

test('of two that want the same name, one gets it', async () => {
  const paths = runPaths(runs, 'demo');
  requireFreeName(paths);
  const claims = await Promise.allSettled([claimRunFolder(paths), claimRunFolder(paths)]);
  expect(claims.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(() => {
    requireFreeName(paths);
  }).toThrow(expect.objectContaining({ code: 'RUN_EXISTS' }));
});

test('says how to go on with a run that exists', async () => {
  await addRun('demo');
  expect(() => {
    requireFreeName(runPaths(runs, 'demo'));
  }).toThrow('continue it with `facet resume demo`, or choose another name with --run');
});

test('lists runs newest first, and nothing that is none', async () => {
  await addRun('old', 100);
  await addRun('new');
  await mkdir(path.join(runs, 'empty'));
  await writeFile(path.join(runs, 'file'), '');
  expect(await listRuns(runs)).toEqual(['new', 'old']);
  expect(await listRuns(path.join(runs, 'nowhere'))).toEqual([]);
});

test('names the runs that there are when one is not found', async () => {
  await addRun('alpha', 10);
  await addRun('beta');
  await expect(requireRun(runs, 'alhpa')).rejects.toThrow(
    `there is no run 'alhpa' in ${runs}; expected one of: beta, alpha; did you mean alpha?`,
  );
});

test('makes names that no run has', async () => {
  const now = new Date(2026, 10, 23, 9, 5, 7);
  const parts = { dataset: 'mnist', preset: 'mnist-fast' };
  expect(defaultRunName(runs, parts, now)).toBe('mnist-fast-20261123-090507');
  await mkdir(path.join(runs, 'mnist-fast-20261123-090507'));
  expect(defaultRunName(runs, parts, now)).toBe('mnist-fast-20261123-090507-2');
  expect(defaultRunName(runs, { dataset: 'mnist', preset: 'small' }, now)).toBe('mnist-small-20261123-090507');
  expect(defaultRunName(runs, { dataset: 'rings', preset: 'rings' }, now)).toBe('rings-20261123-090507');
});
