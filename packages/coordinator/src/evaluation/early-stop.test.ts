import { describe, expect, it } from 'vitest';
import type { EvaluationResult } from './evaluation.js';
import { AUTOMATIC, isBetter } from './best-evaluation.js';
import { earlyStop, type StopConfig } from './early-stop.js';

/** Ten epochs of four steps. */
const plan = { totalSteps: 40, stepsPerEpoch: 4 };
const { best, bestMode } = AUTOMATIC;

/** Of the first epochs, in order. */
function evaluationsOf(...figures: readonly Partial<EvaluationResult>[]): EvaluationResult[] {
  return figures.map((of, i) => ({
    step: 4 * (i + 1),
    accuracy: undefined,
    loss: 1,
    metrics: {},
    confusion: [],
    ...of,
  }));
}

const accuracies = (...values: readonly number[]) => evaluationsOf(...values.map((accuracy) => ({ accuracy })));

function endOf(rules: readonly string[], evaluations: readonly EvaluationResult[], more: Partial<StopConfig> = {}) {
  const checkpoint = { everySteps: 1, keep: 1, best, bestMode };
  const config: StopConfig = { stopWhen: [...rules], checkpoint, changes: [], ...more };
  return earlyStop(config, plan, { evaluations, committedStep: evaluations.length * 4 });
}

describe('the early end of a run', () => {
  it('comes with the first evaluation that reaches a goal', () => {
    expect(endOf(['accuracy>=0.9'], accuracies(0.5, 0.8999))).toBeUndefined();
    expect(endOf(['accuracy>=0.9'], accuracies(0.5, 0.9))).toEqual({
      ...{ afterStep: 8, epochs: { from: 10, to: 2 } },
      reason: 'accuracy>=0.9: accuracy is 0.9 after epoch 2',
    });
    expect(endOf(['far<3'], evaluationsOf({ metrics: { far: 2.5 } }))).toMatchObject({
      reason: expect.stringContaining('far is 2.5') as string,
    });
    expect(endOf([], accuracies(1))).toBeUndefined();
  });

  it('comes after as many evaluations in a row as patience has, if none of them was the best', () => {
    expect(endOf(['patience=3'], accuracies(0.5, 0.9, 0.8, 0.9))).toBeUndefined();
    expect(endOf(['patience=3'], accuracies(0.5, 0.9, 0.8, 0.91, 0.9, 0.9))).toBeUndefined();
    expect(endOf(['patience=3'], accuracies(0.5, 0.9, 0.8, 0.9, 0.7))).toMatchObject({
      afterStep: 20,
      reason: 'patience=3: accuracy was best, 0.9, after epoch 2',
    });
  });

  it('waits by the figure and the direction that choose the best checkpoint', () => {
    const losses = evaluationsOf({ accuracy: 0.5, loss: 1 }, { accuracy: 0.9, loss: 2 }, { accuracy: 0.95, loss: 3 });
    expect(endOf(['patience=2'], losses)).toBeUndefined();
    const checkpoint = { everySteps: 1, keep: 1, best: 'loss', bestMode: 'auto' } as const;
    expect(endOf(['patience=2'], losses, { checkpoint })).toMatchObject({
      reason: expect.stringMatching(/^patience=2: loss was best, 1,/) as string,
    });
  });

  it('is not decided again where the history is known: what follows is there already, or is prescribed', () => {
    const evaluations = accuracies(0.95);
    const extended = { afterStep: 4, epochs: { from: 1, to: 10 } };
    expect(endOf(['accuracy>=0.9'], evaluations, { changes: [extended] })).toBeUndefined();
    const config: StopConfig = {
      stopWhen: ['accuracy>=0.9'],
      checkpoint: { everySteps: 1, keep: 1, ...AUTOMATIC },
      changes: [],
    };
    expect(earlyStop(config, plan, { evaluations, committedStep: 5 })).toBeUndefined();
    expect(earlyStop(config, { ...plan, totalSteps: 4 }, { evaluations, committedStep: 4 })).toBeUndefined();
  });

  it('gives a run that was extended its patience again, and knows its best from before', () => {
    const changes = [{ afterStep: 12, epochs: { from: 3, to: 10 } }];
    expect(endOf(['patience=2'], accuracies(0.9, 0.8, 0.8, 0.8), { changes })).toBeUndefined();
    expect(endOf(['patience=2'], accuracies(0.9, 0.8, 0.8, 0.8, 0.85), { changes })).toMatchObject({ afterStep: 20 });
  });
});

describe('the better of two evaluations', () => {
  const [low, high] = evaluationsOf(
    { accuracy: 0.8, loss: 1, metrics: { far: 1 } },
    { accuracy: 0.9, loss: 2, metrics: { far: 9 } },
  ) as [EvaluationResult, EvaluationResult];

  it.each([
    ['auto', 'auto', true],
    ['accuracy', 'auto', true],
    ['accuracy', 'min', false],
    ['loss', 'auto', false],
    ['loss', 'max', true],
    ['far', 'max', true],
    ['far', 'min', false],
  ] as const)('by %s, %s', (named, mode, isHighBetter) => {
    const choice = { best: named, bestMode: mode };
    expect([isBetter(high, low, choice), isBetter(low, high, choice)]).toEqual([isHighBetter, !isHighBetter]);
    expect(isBetter(high, high, choice)).toBe(false);
  });

  it('is never one that lacks the figure', () => {
    const choice = { best: 'other', bestMode: 'max' } as const;
    expect([isBetter(high, low, choice), isBetter(low, high, choice)]).toEqual([false, false]);
  });
});
