/** `facet export-metrics` for somebody who types it the first time. What others read in the files is in reference/figures.test.ts. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LedgerChain, type LedgerRecord } from '@facet/shared';
import { runInProcess, type CliEnd } from '../../test/run-cli.js';

const at = '2026-03-01T12:00:00.000Z';
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-metrics-'));
  const hash = 'a'.repeat(64);
  const records: LedgerRecord[] = [
    {
      ...{ kind: 'run', version: 2, run: 'demo', dataset: 'mnist', datasetSha256: hash, trainSamples: 6, seed: 1 },
      ...{ globalBatch: 4, microBatch: 2, epochs: 2, configSha256: hash, at },
    },
    {
      ...{ kind: 'commit', step: 1, epoch: 0, generation: 1, samples: Uint32Array.of(1, 2, 3, 4), loss: 0.5 },
      ...{ weightsCrc: '0000000a', at },
    },
  ];
  const chain = new LedgerChain();
  await mkdir(path.join(folder, 'demo'));
  await writeFile(path.join(folder, 'demo', 'ledger.jsonl'), records.map((record) => chain.append(record)).join(''));
});

afterAll(() => rm(folder, { recursive: true }));

const facet = (...args: readonly string[]): Promise<CliEnd> =>
  runInProcess(['export-metrics', ...args], { FACET_RUNS: folder });

test('a format that is misspelt is refused with the one that is meant', async () => {
  const end = await facet('demo', '--format', 'tensorbord');
  expect(end.code).toBe(2);
  expect(end.stderr).toContain("--format: 'tensorbord', expected one of csv, parquet, tensorboard");
  expect(end.stderr).toContain('did you mean tensorboard?');
});

test('a run that does not exist is refused with those that do', async () => {
  const end = await facet('dem', '--format', 'csv');
  expect(end.code).toBe(2);
  expect(end.stderr).toMatch(/RUN_NOT_FOUND.*demo/s);
});

test('files of an earlier export stay, unless --force is there, and a run without a configuration has a warning', async () => {
  const out = path.join(folder, 'out');
  const first = await facet('demo', '--format', 'csv', '--out', out, '--json');
  expect(JSON.parse(first.stdout)).toMatchObject({ run: 'demo', format: 'csv', folder: out, steps: 1, evaluations: 0 });
  expect(first.stderr).toMatch(/warning: .*config.json.*the learning rate and the options are left out/);
  expect(await readdir(out)).toEqual(['evaluations.csv', 'steps.csv']);

  await writeFile(path.join(out, 'steps.csv'), 'mine');
  const second = await facet('demo', '--format', 'csv', '--out', out);
  expect(second.code).toBe(2);
  expect(second.stderr).toMatch(/OUTPUT_EXISTS.*steps.csv.*--force/s);
  expect(await readFile(path.join(out, 'steps.csv'), 'utf8')).toBe('mine');

  expect((await facet('demo', '--format', 'csv', '--out', out, '--force')).code).toBe(0);
  expect(await readFile(path.join(out, 'steps.csv'), 'utf8')).toMatch(/\r\n1,0,1,4,0\.5,/);
});

test('an event file of an earlier export makes room for the new one', async () => {
  const out = path.join(folder, 'board');
  const args = ['demo', '--format', 'tensorboard', '--out', out] as const;
  expect((await facet(...args)).code).toBe(0);
  expect((await facet(...args)).stderr).toContain('OUTPUT_EXISTS');
  expect((await facet(...args, '--force')).code).toBe(0);
  expect(await readdir(path.join(out, 'demo'))).toHaveLength(1);
});
