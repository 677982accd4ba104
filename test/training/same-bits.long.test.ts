/** One result in more worlds, with more recipes, optimizers and formats than same-bits.test.ts has time for. */
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { committedSteps, openWorkspace, parseJson, processesWith, until, type Workspace } from '../testkit/facet.js';
import { ATTACKED, childrenOf, CLEAN, expectSameWeights, killAll, RECIPE, up } from '../testkit/small-run.js';

let workspace: Workspace;
let expectedSha256: string;

beforeAll(async () => {
  workspace = await openWorkspace();
  expectedSha256 = parseJson(await workspace.run(up('alone', 1))).weightsSha256;
}, 120_000);

afterAll(async () => {
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

it.each([3, 4])('the weights are the same bits with %i workers as with one', { timeout: 120_000 }, async (workers) => {
  const result = await workspace.run(up(`with-${workers}`, workers));
  expect(result.code, result.stderr).toBe(0);
  expect(parseJson(result)).toMatchObject({ weightsSha256: expectedSha256, workers, ledger: CLEAN, faults: 0 });
});

it('workers without a micro-batch cost no fault, however long the run is', { timeout: 120_000 }, async () => {
  const more = ['--set', 'batch.global=32', '--set', 'batch.micro=16'];
  const two = parseJson(await workspace.run(up('two-busy', 2, ...more)));
  const idle = parseJson(await workspace.run(up('one-idle', 3, ...more)));
  expect(idle).toMatchObject({ weightsSha256: two.weightsSha256, steps: two.steps, workers: 3, faults: 0 });
  // Further than the coordinator publishes ahead.
  expect(idle.steps).toBeGreaterThan(12);
});

describe('the weights of a run', () => {
  it('are the same bits when a worker is killed and replaced', { timeout: 120_000 }, async () => {
    const running = workspace.start(up('replaced', 2, '--max-restarts', '1'));
    const folder = path.join(workspace.runs, 'replaced');
    await until('3 steps are committed', async () => (await committedSteps(folder)) >= 3);
    const log = await readFile(path.join(folder, 'logs', 'worker-0.log'), 'utf8');
    process.kill(Number(/"pid":(\d+)/.exec(log)![1]), 'SIGKILL');
    const result = await running.done;
    expect(result.code, result.stderr).toBe(0);
    expect(parseJson(result)).toMatchObject({ weightsSha256: expectedSha256, ledger: CLEAN, faults: 1 });
    expect(result.stderr).toMatch(/worker-0 \(pid \d+\) died.*SIGKILL/);
    expect(existsSync(path.join(folder, 'logs', 'worker-2.log')), 'a third worker was started').toBe(true);
    expect((await workspace.run(['ledger', 'check', 'replaced'])).code).toBe(0);
  });

  it(
    'are the same bits when a worker is told to stop; it leaves, and that is no fault',
    { timeout: 120_000 },
    async () => {
      const running = workspace.start(up('left-worker', 3));
      const folder = path.join(workspace.runs, 'left-worker');
      await until('8 steps are committed', async () => (await committedSteps(folder)) >= 8);
      const ours = await childrenOf(running.child.pid!);
      const leaver = (await processesWith('worker --coordinator')).find(({ pid }) => ours.includes(pid));
      process.kill(leaver!.pid, 'SIGTERM');
      const result = await running.done;
      expect(parseJson(result)).toMatchObject({ weightsSha256: expectedSha256, ledger: CLEAN, faults: 0, workers: 2 });
      expect(result.code, result.stderr).toBe(0);
      const records = await readFile(path.join(folder, 'ledger.jsonl'), 'utf8');
      expect(records.match(/"kind":"(leave|fault|replay)"/g)).toEqual(['"kind":"leave"']);
      const logs = await readdir(path.join(folder, 'logs'));
      const outcomes = await Promise.all(
        logs
          .filter((name) => name.startsWith('worker-'))
          .map((name) => readFile(path.join(folder, 'logs', name), 'utf8')),
      );
      expect(outcomes.filter((text) => text.includes('{"outcome":"left"}'))).toHaveLength(1);
    },
  );

  it(
    'are the same bits after Ctrl-C, a damaged newest checkpoint, and a resume from the one before',
    { timeout: 120_000 },
    async () => {
      const running = workspace.start(up('interrupted', 2));
      const folder = path.join(workspace.runs, 'interrupted');
      await until('14 steps are committed', async () => (await committedSteps(folder)) >= 14);
      running.child.kill('SIGINT');
      const stopped = await running.done;
      expect(stopped.code).toBe(130);
      expect(stopped.stderr).toContain(' resume interrupted');

      const checkpoints = (await readdir(path.join(folder, 'checkpoints'))).sort();
      const newest = path.join(folder, 'checkpoints', checkpoints.at(-1)!, 'model.safetensors');
      const bytes = await readFile(newest);
      bytes[bytes.length - 5]! ^= 1;
      await writeFile(newest, bytes);

      const result = await workspace.run(['resume', 'interrupted', '--json']);
      expect(parseJson(result)).toMatchObject({ weightsSha256: expectedSha256, ledger: CLEAN });
      expect(result.stderr).toContain(checkpoints.at(-1)!);
      const records = await readFile(path.join(folder, 'ledger.jsonl'), 'utf8');
      expect(records).toContain('"kind":"replay"');
    },
  );
});

it('attacked samples give the same weights to one worker and to four', { timeout: 180_000 }, async () => {
  const { weightsSha256 } = parseJson(await workspace.run(up('attacked-alone', 1, ...ATTACKED)));
  const four = parseJson(await workspace.run(up('attacked-4', 4, ...ATTACKED)));
  const ledger = { expected: 1400, committed: 1400, missing: 0, duplicated: 0 };
  expect(four).toMatchObject({ weightsSha256, ledger, workers: 4, faults: 0 });
});

it('gradients in int8 give other weights than exact ones', { timeout: 120_000 }, async () => {
  const rounded = parseJson(await workspace.run(up('recipe-int8', 1, ...RECIPE)));
  const exact = parseJson(await workspace.run(up('recipe-exact', 1, ...RECIPE, '--set', 'gradientFormat=fp32')));
  expect(exact.weightsSha256).not.toBe(rounded.weightsSha256);
});

it('one worker and three end with the same weights with lion and the schedule step', { timeout: 120_000 }, async () => {
  const one = await expectSameWeights(workspace, { name: 'lion', rate: '0.0006', schedule: 'step' });
  expect(one.weightsSha256).not.toBe(expectedSha256);
});

describe('the whole recipe: everything that augments and mixes, held-out images, averaged weights, gradients in int8', () => {
  const averageOf = async (checkpoint: unknown): Promise<Buffer> =>
    readFile(path.join(String(checkpoint), 'ema.safetensors'));

  it(
    'gives the same weights and the same average to one worker, and to others after all were killed',
    { timeout: 180_000 },
    async () => {
      const alone = await workspace.run(up('recipe-alone', 1, ...RECIPE));
      expect(alone.code, alone.stderr).toBe(0);
      const expected = parseJson(alone);
      expect(expected).toMatchObject({ testAccuracy: null, evaluatedWeights: 'average' });

      const running = workspace.start(up('recipe-killed', 2, ...RECIPE));
      await killAll(running, path.join(workspace.runs, 'recipe-killed'));
      const resumed = parseJson(await workspace.run(['resume', 'recipe-killed', '--workers', '3', '--json']));
      const { weightsSha256, heldOutAccuracy } = expected;
      const ledger = { expected: 3000, committed: 3000, missing: 0, duplicated: 0 };
      expect(resumed).toMatchObject({ weightsSha256, heldOutAccuracy, ledger, workers: 3 });
      expect((await averageOf(resumed['checkpoint'])).equals(await averageOf(expected['checkpoint']))).toBe(true);
      expect((await workspace.run(['ledger', 'check', 'recipe-killed'])).code).toBe(0);

      const again = parseJson(await workspace.run(['evaluate', 'recipe-killed', '--split', 'held-out', '--json']));
      expect(again).toMatchObject({ accuracy: heldOutAccuracy, evaluatedWeights: 'average', split: 'held-out' });
      const other = parseJson(await workspace.run(['evaluate', 'recipe-killed', '--json']));
      expect(other).toMatchObject({ split: 'test', samples: 300 });
      const plain = await workspace.run(['evaluate', 'alone', '--split', 'held-out']);
      expect(plain.code).toBe(2);
      expect(plain.stderr).toContain('samples.heldOut is 0');
    },
  );
});

describe('training on attacked samples', () => {
  const ledger = { expected: 1400, committed: 1400, missing: 0, duplicated: 0 };

  it(
    'gives the same weights to 1 and 2 workers, and when a worker is killed and its part is attacked again',
    { timeout: 180_000 },
    async () => {
      const { weightsSha256 } = parseJson(await workspace.run(up('attacked-one', 1, ...ATTACKED)));
      const two = parseJson(await workspace.run(up('attacked-2', 2, ...ATTACKED)));
      expect(two).toMatchObject({ weightsSha256, ledger, workers: 2, faults: 0 });
      const running = workspace.start(up('attacked-killed', 3, ...ATTACKED, '--max-restarts', '0'));
      const folder = path.join(workspace.runs, 'attacked-killed');
      await until('3 steps are committed', async () => (await committedSteps(folder)) >= 3);
      const ours = await childrenOf(running.child.pid!);
      const victim = (await processesWith('worker --coordinator')).find(({ pid }) => ours.includes(pid));
      process.kill(victim!.pid, 'SIGKILL');
      expect(parseJson(await running.done)).toMatchObject({ weightsSha256, ledger, faults: 1, workers: 2 });
    },
  );
});

it(
  'one worker and three end with the same weights with sgd and the schedule one-cycle',
  { timeout: 120_000 },
  async () => {
    const one = await expectSameWeights(workspace, { name: 'sgd', rate: '0.5', schedule: 'one-cycle' });
    expect(one.weightsSha256).not.toBe(expectedSha256);
  },
);
