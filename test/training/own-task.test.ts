/**
 * The examples, in a small form: what a user trains ends with the same weights whatever the workers do, and every sample is in
 * the ledger exactly once for each epoch.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from 'facet-train';
import { committedSteps, openWorkspace, parseJson, processesWith, until, type Workspace } from '../testkit/facet.js';
import {
  EXAMPLE_EPOCHS,
  exampleFile,
  LAYERS_CNN,
  ON_CPU,
  runScript,
  upExample,
  writeTask,
} from '../testkit/own-task.js';

/** Of an evaluation. */
interface Figures {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Of `facet predict`. */
interface Predicted {
  readonly images: readonly {
    readonly file: string;
    readonly guesses: readonly { readonly class: string; readonly probability: number }[];
  }[];
}

const SHAPES = 160;

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

describe.each([
  ['regression', ['--data', 'throws.csv', '--set', 'batch.global=64']],
  ['gpt', ['--data', 'text.txt', '--set', 'samples.train=64', '--set', 'samples.test=8']],
  ['two-cameras', ['--set', 'samples.train=192', '--set', 'samples.test=32']],
] as const)('the example %s', (example, settings) => {
  it('ends with the same weights for one worker and for three', { timeout: 120_000 }, async () => {
    const results = [];
    for (const workers of [1, 3]) {
      const result = await workspace.run(upExample(example, `${example}-${workers}`, workers, ...settings));
      expect(result.code, result.stderr).toBe(0);
      results.push(parseJson(result));
    }
    for (const [at, summary] of results.entries()) {
      const { weightsSha256 } = results[0]!;
      expect(summary).toMatchObject({ weightsSha256, workers: [1, 3][at], faults: 0, ledger: { clean: true } });
    }
    const { loss, metrics } = results[0]!.evaluation as Figures;
    await usesModel(example, metrics);
    // `facet evaluate` finds the figures of the run's own last evaluation again.
    const evaluated = parseJson(await workspace.run(['evaluate', `${example}-1`, '--json'])) as unknown as Figures;
    expect(evaluated.loss).toBeCloseTo(loss, 10);
    for (const [name, mean] of Object.entries(metrics)) expect(evaluated.metrics[name]).toBeCloseTo(mean, 10);
  });
});

/** What users do with the models of the examples, beside evaluating them. */
async function usesModel(example: string, metrics: Figures['metrics']): Promise<void> {
  const run = path.join(workspace.runs, `${example}-1`);
  if (example === 'regression') {
    const predicted = await workspace.run(['predict', 'throws.csv', '--run', run]);
    expect(predicted.code, predicted.stderr).toBe(0);
    const [header, ...rows] = predicted.stdout.trim().split('\n');
    expect(header).toBe('row,prediction');
    expect(rows).toHaveLength(300);
    const model = await loadModel(run);
    const table = (await readFile(path.join(workspace.folder, 'throws.csv'), 'utf8')).trim().split('\n').slice(1);
    const samples = table.map((line) => ({ features: line.split(',').slice(0, 4).map(Number) }));
    const answers = await model.predict(samples);
    await model.close();
    answers.forEach(({ values }, at) => expect(`${at + 1},${values[0]}`).toBe(rows[at]));
    // Of the rows that are the test split, the answers are as far off as the run's own evaluation says.
    const isOfTest = (row: number): boolean =>
      Number.parseInt(createHash('sha256').update(String(row)).digest('hex').slice(0, 8), 16) < 0.1 * 2 ** 32;
    const off = table.flatMap((line, row) =>
      isOfTest(row) ? [Math.abs(answers[row]!.values[0]! - Number(line.split(',')[4]))] : [],
    );
    expect(off.reduce((sum, metres) => sum + metres, 0) / off.length).toBeCloseTo(metrics['metresOff']!, 4);
  } else if (example === 'gpt') {
    const { stdout } = await promisify(execFile)(process.execPath, [
      exampleFile('gpt', 'sample.mjs'),
      run,
      'The ',
      '20',
    ]);
    expect(stdout).toMatch(/^The [^]{20}\n$/);
    const refused = await workspace.run(['predict', 'text.txt', '--run', run]);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('takes tokens int32 [64], expected one'),
    });
  } else {
    const out = path.join(workspace.folder, 'two-cameras-onnx');
    const exported = await workspace.run(['export', run, '--format', 'onnx', '--out', out, '--json']);
    expect(exported.code, exported.stderr).toBe(0);
    expect(parseJson(exported)).toMatchObject({ check: { isWithinTolerance: true, source: 'test split' } });
  }
  const robustness = await workspace.run(['robustness', run]);
  expect(robustness).toMatchObject({ code: 2, stderr: expect.stringContaining('is for the multi-view model') });
}

describe('the example layers-cnn', () => {
  const settings = LAYERS_CNN;
  const frequent = [...settings, '--set', 'checkpoint.everySteps=3'];
  let weightsSha256: string;

  beforeAll(async () => {
    const alone = await workspace.run(upExample('layers-cnn', 'shapes-1', 1, ...settings));
    expect(alone.code, alone.stderr).toBe(0);
    const summary = parseJson(alone);
    expect(summary.ledger).toMatchObject({ clean: true, missing: 0, duplicated: 0 });
    // A share of the images is the test split, so that less than all are trained on.
    expect(summary.ledger.expected).toBeGreaterThan(0.7 * SHAPES * EXAMPLE_EPOCHS);
    expect(summary.ledger.expected).toBeLessThan(SHAPES * EXAMPLE_EPOCHS);
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

    // Images in, names of classes and probabilities out: from a run, from a program, and from an export somewhere else.
    const asked = ['predict', path.join('shapes', 'star'), '--json', '--run'];
    const predicted = parseJson(await workspace.run([...asked, 'shapes-1'])) as unknown as Predicted;
    expect(predicted).toMatchObject({ failed: 0 });
    expect(predicted.images).toHaveLength(SHAPES / 4);
    const [{ file, guesses }] = predicted.images as [Predicted['images'][number]];
    expect(guesses.map((guess) => guess.class).sort()).toEqual(['circle', 'square', 'star', 'triangle']);
    expect(guesses.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
    const model = await loadModel(path.join(workspace.runs, 'shapes-1'));
    const answer = await model.predict({ image: path.join(workspace.folder, file) });
    await model.close();
    expect(answer.class).toBe(guesses[0]!.class);
    for (const guess of guesses) expect(answer.probabilities![guess.class]).toBe(guess.probability);
    const out = path.join(workspace.folder, 'exported');
    const exported = await workspace.run(['export', 'shapes-1', '--format', 'safetensors', '--out', out]);
    expect(exported.code, exported.stderr).toBe(0);
    expect(await readFile(path.join(out, 'run.json'), 'utf8')).not.toContain(path.dirname(exampleFile('layers-cnn')));
    const task = ['--task', exampleFile('layers-cnn', 'task.mjs')];
    const again = parseJson(await workspace.run([...asked, out, ...task])) as unknown as Predicted;
    expect(again.images).toEqual(predicted.images);
  }, 120_000);

  it('ends with the same weights after a worker is killed', { timeout: 60_000 }, async () => {
    const running = workspace.start(upExample('layers-cnn', 'killed', 2, ...settings, '--max-restarts', '0'));
    const folder = path.join(workspace.runs, 'killed');
    await until('3 steps are committed', async () => (await committedSteps(folder)) >= 3);
    const log = await readFile(path.join(folder, 'logs', 'worker-0.log'), 'utf8');
    process.kill(Number(/"pid":(\d+)/.exec(log)![1]), 'SIGKILL');
    const result = await running.done;
    expect(parseJson(result)).toMatchObject({ weightsSha256, workers: 1, faults: 1, ledger: { clean: true } });
  });

  it('ends with the same weights after a stop and a resume', { timeout: 60_000 }, async () => {
    const running = workspace.start(upExample('layers-cnn', 'stopped', 2, ...frequent));
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
