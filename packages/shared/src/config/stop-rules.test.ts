import { describe, expect, it } from 'vitest';
import { meetsGoal, metricProblems, parseStopRule, type StopRule } from './stop-rules.js';

describe('a rule that ends a run', () => {
  it.each([
    ['accuracy>=0.99', { kind: 'goal', metric: 'accuracy', comparison: '>=', value: 0.99 }],
    [' loss < 1e-3 ', { kind: 'goal', metric: 'loss', comparison: '<', value: 0.001 }],
    ['top5.share<=-2', { kind: 'goal', metric: 'top5.share', comparison: '<=', value: -2 }],
    ['patience=5', { kind: 'patience', evaluations: 5 }],
  ])('%j is one', (text, expected) => {
    expect(parseStopRule(text)).toEqual({ text, ...expected });
  });

  it.each([
    '',
    'accuracy',
    'accuracy>=',
    'accuracy=0.9',
    'accuracy>=much',
    'patience=0',
    'patience>=5',
    'patience=1.5',
    '>=3',
  ])('%j is none', (text) => {
    const rule = parseStopRule(text);
    // It is a goal for a figure of that name, which no task has.
    if (text === 'patience>=5') expect(rule).toMatchObject({ kind: 'goal', metric: 'patience' });
    else expect(rule).toBeUndefined();
  });

  it('is met at its value or beyond it, as it says', () => {
    const met = (text: string): boolean[] =>
      [1, 2, 3].map((figure) => meetsGoal(parseStopRule(text) as Extract<StopRule, { kind: 'goal' }>, figure));
    expect(met('x>=2')).toEqual([false, true, true]);
    expect(met('x>2')).toEqual([false, false, true]);
    expect(met('x<=2')).toEqual([true, true, false]);
    expect(met('x<2')).toEqual([true, false, false]);
  });
});

it('names figures that no evaluation of the task has', () => {
  const config = { stopWhen: ['accuracy>=0.9', 'patience=3', 'far<2'], checkpoint: { best: 'f1' } };
  expect(metricProblems(config, { answerClasses: 10, metricNames: ['f1', 'far'] })).toEqual([]);
  expect(metricProblems(config, { answerClasses: 0, metricNames: ['far'] })).toEqual([
    "checkpoint.best: an evaluation has no figure 'f1', expected one of loss, far",
    "stopWhen: an evaluation has no figure 'accuracy', expected one of loss, far",
  ]);
  expect(metricProblems({ stopWhen: [], checkpoint: { best: 'auto' } }, { answerClasses: 0, metricNames: [] })).toEqual(
    [],
  );
});
