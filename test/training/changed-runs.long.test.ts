/**
 * A run that goes on longer, or by other values, than it was started with: real processes. Whatever the number of workers, and
 * wherever it is resumed from, each step has the values that the ledger says.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { committedSteps, MNIST_ON_CPU, openWorkspace, parseJson, until, type Workspace } from '../testkit/facet.js';

const SMALL = [
  ...MNIST_ON_CPU,
  ...['samples.train=640', 'samples.test=100', 'checkpoint.everySteps=2', 'checkpoint.keep=50'].flatMap((set) => [
    '--set',
    set,
  ]),
];
const STEPS_PER_EPOCH = 5;

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
});

afterAll(async () => {
  await workspace[Symbol.asyncDispose]();
});

const folderOf = (run: string): string => path.join(workspace.runs, run);

async function train(run: string, args: readonly string[], workers = 1) {
  const result = await workspace.run([...args, '--workers', String(workers), '--json']);
  expect(result.code, result.stderr).toBe(0);
  return { ...parseJson(result), stderr: result.stderr, run };
}

const up = (run: string, epochs: number, workers = 1) =>
  train(run, ['up', ...SMALL, '--run', run, '--epochs', String(epochs)], workers);

/** @returns the step of the newest checkpoint that is left: not every one that is due is written on a busy machine */
async function removeCheckpointsAfter(run: string, step: number): Promise<number> {
  const folder = path.join(folderOf(run), 'checkpoints');
  let newest = 0;
  for (const name of await readdir(folder)) {
    const at = Number(/\d+/.exec(name)?.[0]);
    if (at > step) await rm(path.join(folder, name), { recursive: true });
    else newest = Math.max(newest, at);
  }
  return newest;
}

describe('a finished run that gets more epochs', () => {
  const restart = ['--epochs', '3', '--schedule', 'restart', '--set', 'optimizer.peakLearningRate=0.002'];

  it('goes on, and the same bits come out of other workers, other places to resume, and its configuration', async () => {
    await up('one', 2);
    const one = await train('one', ['resume', 'one', ...restart]);
    expect(one.stderr).toMatch(
      /note: epochs 2 -> 3, optimizer.peakLearningRate 0.006 -> 0.002 from step 11 on; learning/,
    );
    expect(one).toMatchObject({ steps: 15, ledger: { clean: true, expected: 1920, committed: 1920 } });

    await up('three', 2, 3);
    const three = await train('three', ['resume', 'three', ...restart], 3);
    expect(three.weightsSha256).toBe(one.weightsSha256);

    // A second resume, from before the change: the steps up to it are computed again by the values that they had.
    const from = await removeCheckpointsAfter('three', 8);
    const again = await train('three', ['resume', 'three'], 2);
    expect(again).toMatchObject({ weightsSha256: one.weightsSha256, ledger: { clean: true }, faults: 0 });
    const ledger = await readFile(path.join(folderOf('three'), 'ledger.jsonl'), 'utf8');
    expect(ledger.match(/"kind":"(replay|change)"/g)).toEqual([
      '"kind":"change"',
      ...new Array<string>(15 - from).fill('"kind":"replay"'),
    ]);

    const whole = await train('whole', ['up', '--config', path.join(folderOf('one'), 'config.json'), '--run', 'whole']);
    expect(whole).toMatchObject({ weightsSha256: one.weightsSha256, steps: 15, ledger: { clean: true } });
    const check = await workspace.run(['ledger', 'check', 'whole']);
    expect(check.stdout).toMatch(/15 steps, 0 faults, 0 replays, 1 changes/);
  }, 240_000);
});

describe('an unfinished run', () => {
  it('goes on with another learning rate from its next step on', async () => {
    const untouched = await up('untouched', 2);
    const running = workspace.start(['up', ...SMALL, '--run', 'lower', '--epochs', '2', '--workers', '2', '--json']);
    await until('3 steps are committed', async () => (await committedSteps(folderOf('lower'))) >= 3);
    running.child.kill('SIGINT');
    await running.done;
    const done = await committedSteps(folderOf('lower'));
    expect(done).toBeLessThan(2 * STEPS_PER_EPOCH);
    const lower = await train('lower', ['resume', 'lower', '--set', 'optimizer.peakLearningRate=0.001'], 2);
    expect(lower).toMatchObject({ steps: 10, ledger: { clean: true } });
    expect(lower.weightsSha256).not.toBe(untouched.weightsSha256);
    const whole = await train('lower-2', [
      'up',
      '--config',
      path.join(folderOf('lower'), 'config.json'),
      '--run',
      'lower-2',
    ]);
    expect(whole.weightsSha256).toBe(lower.weightsSha256);
  }, 120_000);
});

describe('a change that cannot be made', () => {
  it.each([
    [['--epochs', '1'], /^error \[CONFIG_INVALID\]: epochs: 1, expected at least 2/m],
    [
      ['--set', 'optimizer.clipNorm=3'],
      /^error \[CONFIG_INVALID\]: optimizer.clipNorm: run untouched has done all steps/m,
    ],
    [['--set', 'optimizer.beta1=0.8'], /^error \[CHECKPOINT_INCOMPATIBLE\]: optimizer.beta1 is 0.9 in run untouched/m],
    [['--schedule', 'stretsh'], /--schedule.*hold, stretch, restart/],
  ])('%j is refused, and nothing is started', async (args, expected) => {
    const before = await readFile(path.join(folderOf('untouched'), 'ledger.jsonl'), 'utf8');
    const { code, stderr } = await workspace.run(['resume', 'untouched', ...args]);
    expect(stderr).toMatch(expected);
    expect(code).toBe(2);
    expect(await readFile(path.join(folderOf('untouched'), 'ledger.jsonl'), 'utf8')).toBe(before);
  });
});
