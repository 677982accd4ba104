import { describe, expect, it } from 'vitest';
import { RunHistory, type HistoryView, type Mapping } from '@facet/shared';
import { comparisonPage } from '../pages/comparison-page.js';
import { bestOf, compareRuns, type RunFacts } from './compare-runs.js';
import { differenceCells, runCells } from './comparison-words.js';

const AT = '2026-11-30T07:00:00.000Z';
const MADE = { at: AT, version: '0.1.0' };

interface Told {
  readonly dataset?: string;
  readonly accuracies?: readonly number[];
  readonly isFinished?: boolean;
}

/** Four steps an epoch, of 16 samples and a second each. */
function historyOf({ dataset = 'mnist', accuracies = [0.5, 0.9, 0.8], isFinished = true }: Told = {}): HistoryView {
  const history = new RunHistory();
  history.add({
    ...{ kind: 'run', run: 'r', dataset, trainSamples: 64, globalBatch: 16, epochs: 3, seed: 1, at: AT },
  });
  accuracies.forEach((accuracy, epoch) => {
    for (let step = 4 * epoch + 1; step <= 4 * epoch + 4; step++) {
      history.add({
        kind: 'step',
        step,
        epoch,
        generation: 1,
        samples: 16,
        loss: 1 / step,
        correct: 8,
        seconds: 1,
        at: AT,
      });
    }
    history.add({
      kind: 'evaluation',
      step: 4 * epoch + 4,
      epoch,
      split: 'test',
      accuracy,
      loss: 1 - accuracy,
      at: AT,
    });
  });
  if (isFinished) history.add({ kind: 'end', reason: 'finished', step: 12, at: AT });
  return history.view();
}

function runOf(name: string, config: Mapping = {}, told: Told = {}): RunFacts {
  return { name, config, history: historyOf(told) };
}

describe('a comparison', () => {
  it('says what each run came to, over its epochs', () => {
    const { runs, curves } = compareRuns([runOf('a'), runOf('b', {}, { accuracies: [0.25] })], MADE);
    expect(runs).toMatchObject([
      { steps: 12, epochs: 3, best: { step: 8, accuracy: 0.9 }, last: { step: 12, accuracy: 0.8 }, trainSeconds: 12 },
      { steps: 4, epochs: 1, samplesPerSecond: 16, best: { step: 4 } },
    ]);
    expect(curves[0]!.evaluatedAccuracy).toEqual([
      { x: 1, y: 0.5 },
      { x: 2, y: 0.9 },
      { x: 3, y: 0.8 },
    ]);
    expect(curves[0]!.loss[0]).toEqual({ x: 0.25, y: 1 });
    expect(runCells(runs[0]!)).toEqual([
      ...['a', 'finished', '3', '12', '90.00 %', '2', '80.00 %', '0.0833', '16', '12.0 s', '0'],
    ]);
  });

  it('names the keys that differ by their paths, also those that one lacks, and no places', () => {
    const one = { run: 'a', seed: 1, optimizer: { name: 'adamw', decay: 0.1 }, nats: { url: 'x' }, stopWhen: ['a'] };
    const other = { run: 'b', seed: 2, optimizer: { name: 'adamw' }, nats: { url: 'y' }, stopWhen: ['a'] };
    const { differences } = compareRuns([runOf('a', one), runOf('b', other)], MADE);
    expect(differences).toEqual([
      { key: 'optimizer.decay', values: [0.1, null] },
      { key: 'seed', values: [1, 2] },
    ]);
    expect(differences.map(differenceCells)[0]).toEqual(['optimizer.decay', '0.1', '-']);
    expect(compareRuns([runOf('a', one), runOf('b', { ...one, run: 'b' })], MADE).differences).toEqual([]);
  });

  it('says why figures cannot be compared', () => {
    const runs = [runOf('a'), runOf('b', {}, { dataset: 'cifar10', isFinished: false })];
    expect(compareRuns(runs, MADE).cautions).toEqual([
      'They are trained on different datasets: mnist, cifar10.',
      'Not finished: b.',
    ]);
    expect(compareRuns([runOf('a'), runOf('c')], MADE).cautions).toEqual([]);
  });

  it('takes the least loss for the best where answers are no classes', () => {
    const evaluations = [3, 1, 1, 2].map(
      (loss, index) => ({ kind: 'evaluation', step: index + 1, epoch: index, split: 'test', loss, at: AT }) as const,
    );
    expect(bestOf({ evaluations })).toEqual({ step: 2, split: 'test', loss: 1 });
    expect(bestOf({ evaluations: [] })).toBeUndefined();
  });

  it('is a page with a curve per run, and text that cannot leave its place', () => {
    const page = comparisonPage(compareRuns([runOf('<b>a</b>', { seed: 1 }), runOf('b', { seed: 2 })], MADE));
    expect(page).not.toContain('<b>a</b>');
    for (const title of ['Loss of training', 'Accuracy of training', 'Evaluated loss', 'Evaluated accuracy'])
      expect(page).toContain(`<h3>${title}</h3>`);
    expect(page).toContain('Their configurations differ in 1 key.');
  });

  it('has nothing to draw of runs that have not begun to train', () => {
    const runs = ['a', 'b'].map((name) => ({ name, config: {}, history: new RunHistory().view() }));
    const comparison = compareRuns(runs, MADE);
    expect(comparison.runs[0]).toMatchObject({ steps: 0, epochs: 0, best: undefined, samplesPerSecond: undefined });
    expect(runCells(comparison.runs[0]!)[4]).toBe('-');
    expect(comparisonPage(comparison)).not.toContain('<h3>');
  });
});
