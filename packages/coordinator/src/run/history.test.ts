import { createPlan, type LedgerRecord } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import type { EvaluationResult } from '../evaluation/evaluation.js';
import { History, qualityOf } from './history.js';

const at = '2026-01-01T00:00:00.000Z';
const plan = createPlan({ seed: 1, epochs: 4, batch: { global: 16, micro: 4 } }, { trainSamples: 64, testSamples: 20 });

const bestOf = (...evaluated: readonly Partial<EvaluationResult>[]): number | undefined => {
  const history = new History(plan);
  evaluated.forEach((result, epoch) => {
    const step = 4 * (epoch + 1);
    history.evaluate({ step, accuracy: undefined, loss: 1, metrics: {}, confusion: [], ...result });
  });
  return history.bestStep;
};

describe('the best evaluation', () => {
  it('is the one with most right answers, whatever its loss', () => {
    expect(bestOf({ accuracy: 0.5, loss: 1 }, { accuracy: 0.9, loss: 3 }, { accuracy: 0.8, loss: 0.1 })).toBe(8);
  });

  it('is the one with the smallest loss where answers are no classes', () => {
    expect(bestOf({ loss: 1 }, { loss: 0.2 }, { loss: 0.3 })).toBe(8);
    expect(bestOf({ loss: -1 }, { loss: 0 }, { loss: 1 })).toBe(4);
  });

  it('is the earliest among equals', () => {
    expect(bestOf({ loss: 1 }, { loss: 0.2 }, { loss: 0.2 })).toBe(8);
    expect(bestOf({ accuracy: 0.9 }, { accuracy: 0.9 })).toBe(4);
  });

  it('is that by the figure and the direction that were chosen', () => {
    const history = new History(plan, { best: 'far', bestMode: 'min' });
    for (const [step, far] of [
      [4, 3],
      [8, 1],
      [12, 2],
    ] as const)
      history.evaluate({ step, accuracy: step / 100, loss: 1, metrics: { far }, confusion: [] });
    expect(history.bestStep).toBe(8);
    expect(history.evaluations.map(({ step }) => step)).toEqual([4, 8, 12]);
  });

  it('is the only one, also when nothing is right', () => {
    expect(bestOf({ accuracy: 0 })).toBe(4);
    expect(bestOf()).toBeUndefined();
  });
});

describe('what an evaluation comes to', () => {
  const evaluation = { accuracy: undefined, loss: 0.25, metrics: { far: 2 } };

  it('has its metrics, and no accuracy where there is none', () => {
    expect(qualityOf('test', evaluation)).toEqual({ testLoss: 0.25, metrics: { far: 2 } });
    expect(qualityOf('held-out', evaluation)).toEqual({ heldOutLoss: 0.25, metrics: { far: 2 } });
    expect(qualityOf('test', { accuracy: 0, loss: 1, metrics: {} })).toEqual({ testAccuracy: 0, testLoss: 1 });
  });

  it('is read again from the ledger', () => {
    const records: LedgerRecord[] = [
      { kind: 'evaluation', step: 4, epoch: 0, testLoss: 0.25, metrics: { far: 2 }, at },
      { kind: 'evaluation', step: 8, epoch: 1, testLoss: 0.5, metrics: { far: 1 }, at },
    ];
    const history = new History(plan);
    for (const record of records) history.addRecord(record);
    expect(history.epochs).toMatchObject([
      { epoch: 0, testLoss: 0.25, metrics: { far: 2 } },
      { epoch: 1, testLoss: 0.5, metrics: { far: 1 } },
    ]);
    expect(history.epochs[0]).not.toHaveProperty('testAccuracy');
    expect(history.bestStep).toBe(4);
    expect(history.evaluationOf(8)).toEqual({
      ...{ step: 8, accuracy: undefined, loss: 0.5, metrics: { far: 1 }, confusion: [] },
    });
  });
});
