/**
 * A run that ends before its last epoch, as real processes: what the ledger says of it, a resume, and the way on.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MNIST_ON_CPU, openWorkspace, parseJson, type Workspace } from '../testkit/facet.js';

const SMALL = [
  ...['up', ...MNIST_ON_CPU, '--epochs', '5'],
  ...['samples.train=640', 'samples.heldOut=100', 'evaluation=held-out'].flatMap((set) => ['--set', set]),
];

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
});

afterAll(async () => {
  await workspace[Symbol.asyncDispose]();
});

const train = async (...args: readonly string[]) => {
  const result = await workspace.run([...args, '--json']);
  expect(result.code, result.stderr).toBe(0);
  return { ...parseJson(result), stderr: result.stderr };
};

it('a run that reaches its goal ends there, exactly, and can go on as if it had not', async () => {
  const whole = await train(...SMALL, '--run', 'whole', '--workers', '2');
  expect(whole).toMatchObject({ steps: 25, epochs: 5 });

  const goal = ['--stop-when', 'loss<100', '--stop-when', 'patience=9'];
  const early = await train(...SMALL, '--run', 'early', '--workers', '3', ...goal);
  const counts = { clean: true, expected: 640, committed: 640, missing: 0, duplicated: 0 };
  expect(early).toMatchObject({ outcome: 'finished', steps: 5, epochs: 1, ledger: counts });
  expect(early).toMatchObject({
    earlyEnd: expect.stringMatching(/^loss<100: loss is [\d.]+ after epoch 1$/) as string,
  });
  const config = JSON.parse(await readFile(path.join(workspace.runs, 'early', 'config.json'), 'utf8')) as unknown;
  expect(config).toMatchObject({ epochs: 1, changes: [{ afterStep: 5, epochs: { from: 5, to: 1 } }] });

  const again = await workspace.run(['resume', 'early']);
  expect(again.code, again.stderr).toBe(0);
  expect(again.stdout).toMatch(/ended early +loss<100: loss is/);
  expect(again.stdout).toMatch(/640 of 640 committed/);
  const check = await workspace.run(['ledger', 'check', 'early']);
  expect(check.stdout).toMatch(/ended early: loss<100/);
  expect(check.code).toBe(0);

  const on = await train('resume', 'early', '--epochs', '5', '--stop-when', 'none');
  expect(on).toMatchObject({
    steps: 25,
    epochs: 5,
    ledger: { clean: true, committed: 3200 },
    weightsSha256: whole.weightsSha256,
  });
  expect(on).not.toHaveProperty('earlyEnd');
}, 240_000);

it.each([
  [['--stop-when', 'accuracy=0.9'], /^error \[CONFIG_INVALID\]: stopWhen: 'accuracy=0.9', expected METRIC>=NUMBER/m],
  [
    ['--stop-when', 'f1>=0.9'],
    /^error \[CONFIG_INVALID\]: stopWhen: an evaluation has no figure 'f1', expected one of acc/m,
  ],
  [['--stop-when', 'patience=3', '--set', 'evaluation=test'], /stopWhen: rules decide on held-out samples/],
  [
    ['--set', 'checkpoint.best=loss', '--set', 'checkpoint.bestMode=up'],
    /checkpoint.bestMode: 'up' \(from the command line\), expected/,
  ],
  [['--set', 'checkpoint.best=f1'], /checkpoint.bestMode: 'auto', expected max or min with checkpoint.best f1/],
])('%j is refused, and nothing is started', async (args, expected) => {
  const { code, stderr } = await workspace.run([...SMALL, '--run', 'refused', ...args]);
  expect(stderr).toMatch(expected);
  expect(code).toBe(2);
});
