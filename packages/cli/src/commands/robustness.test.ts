/** Bad input to `facet robustness`: exit code 2, one clear message, and an earlier report stays as it was. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeCheckpoint } from '@facet/storage';
import { NAMED_TASKS } from '@facet/lab/data';
import { resolveConfig } from '@facet/shared';
import { runInProcess } from '../../test/run-cli.js';

const EARLIER = '{"earlier": true}';
let folder = '';
let run = '';
let empty = '';

/** A run whose checkpoint is sound and holds the weights of no model of ours. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-robustness-'));
  run = path.join(folder, 'runs', 'demo');
  empty = path.join(folder, 'empty');
  await mkdir(empty);
  const resolved = resolveConfig({ tasks: NAMED_TASKS, environment: {}, flags: { run: 'demo', dataset: 'mnist' } });
  if (!resolved.ok) throw new Error(resolved.problems.join());
  const { config } = resolved;
  const state = { step: 3, weights: Float32Array.of(1, 2), m: new Float32Array(2), v: new Float32Array(2) };
  await writeCheckpoint({
    folder: path.join(run, 'checkpoints'),
    state,
    layout: [{ name: 'kernel', shape: [2], offset: 0, length: 2 }],
    info: {
      run: 'demo',
      step: 3,
      epoch: 0,
      config,
      codeVersion: 'test',
      ledgerStep: 3,
      metrics: {},
      at: '2026-03-01T12:00:00.000Z',
    },
  });
  await writeFile(path.join(run, 'ledger.jsonl'), '');
  await writeFile(path.join(run, 'robustness.json'), EARLIER);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each<[string, () => string[], RegExp]>([
  ['an unknown run', () => ['dema'], /^error \[RUN_NOT_FOUND\]: there is no run 'dema' in .*did you mean demo\?\n$/],
  [
    'a size out of range',
    () => ['demo', '--eps', '8'],
    /^error \[CONFIG_INVALID\]: --eps: '8', expected a number above 0 and at most 1 in linf, .*\n$/,
  ],
  [
    'an unknown attack',
    () => ['demo', '--attacks', 'pdg'],
    /^error \[CONFIG_INVALID\]: --attacks: 'pdg', expected none or some of fgsm, pgd, pgd-margin, square.*\n$/,
  ],
  [
    'an unknown corruption',
    () => ['demo', '--corruptions', 'rain'],
    /^error \[CONFIG_INVALID\]: --corruptions: 'rain' is neither a corruption of this dataset nor a folder, .*\n$/,
  ],
  [
    'a folder without .npy files',
    () => ['demo', '--corruptions', empty],
    /^error \[DATASET_UNAVAILABLE\]: .*empty holds no corruptions; expected NAME\.npy files and labels\.npy .*\n$/,
  ],
  [
    'the checkpoint of another model',
    () => ['demo', '--attacks', 'none', '--corruptions', 'none'],
    /^error \[CHECKPOINT_INCOMPATIBLE\]: the checkpoint's parameter 0 is kernel \[2\], .*\n$/,
  ],
])('refuses %s', async (_, args, message) => {
  const { code, stdout, stderr } = await runInProcess(['robustness', ...args()], {
    FACET_RUNS: path.join(folder, 'runs'),
  });
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(await readFile(path.join(run, 'robustness.json'), 'utf8')).toBe(EARLIER);
  expect((await readdir(run)).sort()).toEqual(['checkpoints', 'ledger.jsonl', 'robustness.json']);
});
