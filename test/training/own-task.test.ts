/**
 * The examples, in a small form: what a user trains ends with the same weights whatever the workers do, and every sample is in
 * the ledger exactly once for each epoch.
 */
import { copyFile, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { committedSteps, openWorkspace, parseJson, processesWith, until, type Workspace } from '../testkit/facet.js';
import { exampleFile, ON_CPU, runScript, writeTask } from '../testkit/own-task.js';

/** Of an evaluation. */
interface Figures {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

const SHAPES = 160;
const EPOCHS = 2;

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
  const { folder } = workspace;
  await runScript(folder, exampleFile('layers-cnn', 'make-shapes.mjs'), 'shapes', String(SHAPES / 4));
  await runScript(folder, exampleFile('regression', 'make-throws.mjs'), 'throws.csv', '300');
  await copyFile(exampleFile('..', 'CONTRIBUTING.md'), path.join(folder, 'text.txt'));
}, 60_000);

afterAll(async () => {
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

const up = (example: string, run: string, workers: number, ...more: string[]): string[] => {
  const task = ['--task', exampleFile(example, 'task.mjs'), ...ON_CPU, '--epochs', String(EPOCHS)];
  return ['up', ...task, '--run', run, '--workers', String(workers), '--json', ...more];
};

describe.each([
  ['regression', ['--data', 'throws.csv', '--set', 'batch.global=64']],
  ['gpt', ['--data', 'text.txt', '--set', 'samples.train=64', '--set', 'samples.test=8']],
  ['two-cameras', ['--set', 'samples.train=192', '--set', 'samples.test=32']],
] as const)('the example %s', (example, settings) => {
  it('ends with the same weights for one worker and for three', { timeout: 120_000 }, async () => {
    const results = [];
    for (const workers of [1, 3]) {
      const result = await workspace.run(up(example, `${example}-${workers}`, workers, ...settings));
      expect(result.code, result.stderr).toBe(0);
      results.push(parseJson(result));
    }
    for (const [at, summary] of results.entries()) {
      const { weightsSha256 } = results[0]!;
      expect(summary).toMatchObject({ weightsSha256, workers: [1, 3][at], faults: 0, ledger: { clean: true } });
    }
    // `facet evaluate` finds the figures of the run's own last evaluation again.
    const { loss, metrics } = results[0]!.evaluation as Figures;
    const evaluated = parseJson(await workspace.run(['evaluate', `${example}-1`, '--json'])) as unknown as Figures;
    expect(evaluated.loss).toBeCloseTo(loss, 10);
    for (const [name, mean] of Object.entries(metrics)) expect(evaluated.metrics[name]).toBeCloseTo(mean, 10);
  });
});

describe('the example layers-cnn', () => {
  const settings = ['--data', 'shapes', '--set', 'batch.global=16', '--set', 'batch.micro=4'];
  const frequent = [...settings, '--set', 'checkpoint.everySteps=3'];
  let weightsSha256: string;

  beforeAll(async () => {
    const alone = await workspace.run(up('layers-cnn', 'shapes-1', 1, ...settings));
    expect(alone.code, alone.stderr).toBe(0);
    const summary = parseJson(alone);
    expect(summary.ledger).toMatchObject({ clean: true, missing: 0, duplicated: 0 });
    // A share of the images is the test split, so that less than all are trained on.
    expect(summary.ledger.expected).toBeGreaterThan(0.7 * SHAPES * EPOCHS);
    expect(summary.ledger.expected).toBeLessThan(SHAPES * EPOCHS);
    expect(summary.testAccuracy).toBeTypeOf('number');
    ({ weightsSha256 } = summary);
    const evaluated = parseJson(await workspace.run(['evaluate', 'shapes-1', '--json']));
    expect(evaluated).toMatchObject({ accuracy: summary.testAccuracy, classes: expect.any(Array) });
    const { loss, metrics } = summary.evaluation as Figures;
    expect(evaluated.loss).toBeCloseTo(loss, 10);
    // A figure of the task's own, beside the accuracy.
    expect(metrics).toEqual({ confidence: expect.any(Number) });
    expect(metrics['confidence']).toBeGreaterThan(1 / 4);
    expect(metrics['confidence']).toBeLessThanOrEqual(1);
    expect((evaluated as unknown as Figures).metrics['confidence']).toBeCloseTo(metrics['confidence']!, 10);
  }, 60_000);

  it.each([2, 3])('ends with the same weights for %i workers', { timeout: 60_000 }, async (workers) => {
    const summary = parseJson(await workspace.run(up('layers-cnn', `shapes-${workers}`, workers, ...settings)));
    expect(summary).toMatchObject({ weightsSha256, workers, faults: 0, ledger: { clean: true } });
  });

  it('ends with the same weights after a worker is killed', { timeout: 60_000 }, async () => {
    const running = workspace.start(up('layers-cnn', 'killed', 2, ...settings, '--max-restarts', '0'));
    const folder = path.join(workspace.runs, 'killed');
    await until('3 steps are committed', async () => (await committedSteps(folder)) >= 3);
    const log = await readFile(path.join(folder, 'logs', 'worker-0.log'), 'utf8');
    process.kill(Number(/"pid":(\d+)/.exec(log)![1]), 'SIGKILL');
    const result = await running.done;
    expect(parseJson(result)).toMatchObject({ weightsSha256, workers: 1, faults: 1, ledger: { clean: true } });
  });

  it('ends with the same weights after a stop and a resume', { timeout: 60_000 }, async () => {
    const running = workspace.start(up('layers-cnn', 'stopped', 2, ...frequent));
    const folder = path.join(workspace.runs, 'stopped');
    await until('4 steps are committed', async () => (await committedSteps(folder)) >= 4);
    running.child.kill('SIGINT');
    expect((await running.done).code).toBe(130);
    expect(await readdir(path.join(folder, 'checkpoints'))).not.toEqual([]);
    const resumed = parseJson(await workspace.run(['resume', 'stopped', '--workers', '3', '--json']));
    expect(resumed).toMatchObject({ weightsSha256, workers: 3, ledger: { clean: true } });
    expect((await workspace.run(['ledger', 'check', 'stopped'])).code).toBe(0);
  });
});

describe('a task whose network drops at random', () => {
  const taskOf = (rate: number): string => `
import { defineTask, fromLayers, own, tf } from 'facet-train';
export default defineTask({
  name: 'drops',
  dataset: own({
    fields: { x: { type: 'float32', shape: [6] }, label: { type: 'float32', shape: [1] } },
    length: (split) => (split === 'train' ? 90 : 20),
    digest: 'd'.repeat(64),
    read: (split, ids) => ({
      x: Float32Array.from([...ids].flatMap((id) => Array.from({ length: 6 }, (_, k) => Math.sin(id * 7 + k)))),
      label: Float32Array.from(ids, (id) => Math.sin(id * 7) * Math.sin(id * 7 + 1)),
    }),
  }),
  training: { epochs: 3, batch: { global: 16, micro: 4 } },
  model: fromLayers(() => tf.sequential({ layers: [
    tf.layers.gaussianNoise({ stddev: ${rate}, inputShape: [6] }),
    tf.layers.dense({ units: 16, activation: 'relu' }),
    tf.layers.dropout({ rate: ${rate} }),
    tf.layers.dense({ units: 1 }),
  ] })),
});
`;
  let task: string;
  let weightsSha256: string;
  const train = (run: string, workers: number, file = task): string[] => {
    const flags = ['--task', file, ...ON_CPU, '--set', 'checkpoint.everySteps=3', '--max-restarts', '0'];
    return ['up', ...flags, '--run', run, '--workers', String(workers), '--json'];
  };

  beforeAll(async () => {
    const folder = path.join(workspace.folder, 'drops');
    task = await writeTask(folder, 'task.mjs', taskOf(0.4));
    const alone = parseJson(await workspace.run(train('drops-1', 1)));
    expect(alone).toMatchObject({ ledger: { clean: true } });
    ({ weightsSha256 } = alone);
    // Without drops it is another training.
    const calm = await writeTask(folder, 'calm.mjs', taskOf(0));
    expect(parseJson(await workspace.run(train('calm', 1, calm))).weightsSha256).not.toBe(weightsSha256);
    // An evaluation drops nothing: its figures are the same twice, and those of the run.
    const evaluated = parseJson(await workspace.run(['evaluate', 'drops-1', '--json'])) as unknown as Figures;
    expect(evaluated.loss).toBeCloseTo((alone.evaluation as Figures).loss, 10);
  }, 240_000);

  it.each([2, 3])('ends with the same weights for %i workers', { timeout: 120_000 }, async (workers) => {
    const summary = parseJson(await workspace.run(train(`drops-${workers}`, workers)));
    expect(summary).toMatchObject({ weightsSha256, workers, faults: 0, ledger: { clean: true } });
  });

  it('ends with the same weights after everything is killed and resumed', { timeout: 240_000 }, async () => {
    const running = workspace.start(train('drops-killed', 2));
    const folder = path.join(workspace.runs, 'drops-killed');
    await until('4 steps are committed', async () => (await committedSteps(folder)) >= 4);
    running.child.kill('SIGKILL');
    await running.done;
    await until('nobody is left', async () => (await processesWith(folder)).length === 0, 60_000);
    const resumed = parseJson(await workspace.run(['resume', 'drops-killed', '--workers', '3', '--json']));
    expect(resumed).toMatchObject({ weightsSha256, workers: 3, ledger: { clean: true } });
  });
});
