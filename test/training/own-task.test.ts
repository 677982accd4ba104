/**
 * The examples, in a small form: every sample is in the ledger exactly once for each epoch, what was trained can be used, and
 * one of them ends with the same weights for one worker and for three. own-task.long.test.ts has the other examples, more
 * numbers of workers, and faults.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadModel } from 'facet-train';
import { openWorkspace, parseJson, processesWith, type Workspace } from '../testkit/facet.js';
import {
  EXAMPLE_EPOCHS,
  exampleFile,
  LAYERS_CNN,
  makeExampleData,
  trainAndEvaluate,
  upExample,
  type Figures,
} from '../testkit/own-task.js';

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
  await makeExampleData(workspace.folder, { shapesPerClass: SHAPES / 4, throws: 300 });
}, 60_000);

afterAll(async () => {
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

it('the example regression is trained by 3, or by 1, and used', { timeout: 240_000 }, async () => {
  const settings = ['--data', 'throws.csv', '--set', 'batch.global=64'];
  const { run, metrics } = await trainAndEvaluate(workspace, { example: 'regression', workers: [3, 1], settings });
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
  const robustness = await workspace.run(['robustness', run]);
  expect(robustness).toMatchObject({ code: 2, stderr: expect.stringContaining('is for the multi-view model') });
  // Of the rows that are the test split, the answers are as far off as the run's own evaluation says.
  const isOfTest = (row: number): boolean =>
    Number.parseInt(createHash('sha256').update(String(row)).digest('hex').slice(0, 8), 16) < 0.1 * 2 ** 32;
  const off = table.flatMap((line, row) =>
    isOfTest(row) ? [Math.abs(answers[row]!.values[0]! - Number(line.split(',')[4]))] : [],
  );
  expect(off.reduce((sum, metres) => sum + metres, 0) / off.length).toBeCloseTo(metrics['metresOff']!, 4);
});

describe('the example layers-cnn', () => {
  const settings = LAYERS_CNN;

  it('is evaluated, predicts, and is exported as it was trained', { timeout: 240_000 }, async () => {
    const alone = await workspace.run(upExample('layers-cnn', 'shapes-1', 1, ...settings));
    expect(alone.code, alone.stderr).toBe(0);
    const summary = parseJson(alone);
    expect(summary.ledger).toMatchObject({ clean: true, missing: 0, duplicated: 0 });
    // A share of the images is the test split, so that less than all are trained on.
    expect(summary.ledger.expected).toBeGreaterThan(0.7 * SHAPES * EXAMPLE_EPOCHS);
    expect(summary.ledger.expected).toBeLessThan(SHAPES * EXAMPLE_EPOCHS);
    expect(summary.testAccuracy).toBeTypeOf('number');
    const evaluated = parseJson(await workspace.run(['evaluate', 'shapes-1', '--json']));
    expect(evaluated).toMatchObject({ accuracy: summary.testAccuracy, classes: expect.any(Array) });
    const { loss, metrics } = summary.evaluation as Figures;
    expect(evaluated.loss).toBeCloseTo(loss, 10);
    // How far its answers can be trusted, where it errs, and all of it as a page.
    expect(evaluated).toMatchObject({ calibration: { negativeLogLikelihood: expect.closeTo(loss, 6) } });
    const page = await readFile(path.join(workspace.runs, 'shapes-1', 'evaluation.html'), 'utf8');
    for (const section of ['Training', 'Confusion', 'Calibration', 'Worst mistakes']) {
      expect(page).toContain(`<h2>${section}</h2>`);
    }
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
  });
});
