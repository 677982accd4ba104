import { describe, expect, it } from 'vitest';
import type { RunChange } from './change-schema.js';
import { TASK_TRAINING } from './defaults.js';
import { asStarted, changeBetween, changeProblems, stepRule, withChange, type Changeable } from './run-changes.js';

const STEPS = 10;
const optimizer = { ...TASK_TRAINING.optimizer, peakLearningRate: 6e-3, weightDecay: 0.05 };
const started: Changeable = { epochs: 3, optimizer, changes: [] };
const after = (...changes: RunChange[]): Changeable => changes.reduce<Changeable>(withChange, started);

/** Of steps 1 to the last one: where the schedule is. */
const placesOf = (config: Changeable): string[] =>
  Array.from({ length: config.epochs * STEPS }, (_, i) => {
    const { step, totalSteps } = stepRule(config, STEPS, i + 1).schedule;
    return `${step}/${totalSteps}`;
  });
const range = (first: number, last: number, of: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => `${first + i}/${of}`);

const extension = (afterStep: number, schedule?: RunChange['schedule']): RunChange => ({
  ...{ afterStep, epochs: { from: 3, to: 5 } },
  ...(schedule !== undefined && { schedule }),
});

describe('the schedule of a run that was extended', () => {
  it('stays where it was up to the change, whatever comes after', () => {
    for (const schedule of ['hold', 'stretch', 'restart'] as const) {
      expect(placesOf(after(extension(12, schedule))).slice(0, 12)).toEqual(range(1, 12, 30));
    }
  });

  it('keeps its last rate with hold, and when nothing is said', () => {
    const held = [...range(1, 30, 30), ...new Array<string>(20).fill('30/30')];
    expect(placesOf(after(extension(30, 'hold')))).toEqual(held);
    expect(placesOf(after(extension(12)))).toEqual(held);
  });

  it('ends where the run ends with stretch', () => {
    expect(placesOf(after(extension(12, 'stretch')))).toEqual([...range(1, 12, 30), ...range(13, 50, 50)]);
  });

  it('begins again with restart, and a later change knows that', () => {
    const restarted = after(extension(30, 'restart'));
    expect(placesOf(restarted)).toEqual([...range(1, 30, 30), ...range(1, 20, 20)]);
    const longer = withChange(restarted, { afterStep: 40, epochs: { from: 5, to: 6 }, schedule: 'stretch' });
    expect(placesOf(longer)).toEqual([...range(1, 30, 30), ...range(1, 10, 20), ...range(11, 30, 30)]);
  });
});

describe('a changed value', () => {
  const lower: RunChange = { afterStep: 12, optimizer: { peakLearningRate: { from: 0.006, to: 0.001 } } };
  const lowest: RunChange = { afterStep: 20, optimizer: { peakLearningRate: { from: 0.001, to: 0.0001 } } };

  it('holds from its step on, and the steps before keep theirs', () => {
    const config = after(lower, lowest);
    const rates = [1, 12, 13, 20, 21, 30].map((step) => stepRule(config, STEPS, step).optimizer.peakLearningRate);
    expect(rates).toEqual([0.006, 0.006, 0.001, 0.001, 0.0001, 0.0001]);
    expect(placesOf(config)).toEqual(range(1, 30, 30));
  });

  it('of two at the same step the later one holds: the first was never used', () => {
    const config = after(lower, { ...lowest, afterStep: 12 });
    expect(stepRule(config, STEPS, 13).optimizer.peakLearningRate).toBe(0.0001);
    expect(stepRule(config, STEPS, 12).optimizer.peakLearningRate).toBe(0.006);
  });

  it('can be taken back to what the run was started with', () => {
    const config = after(lower, extension(20, 'hold'), lowest);
    expect(config).toMatchObject({ epochs: 5, optimizer: { peakLearningRate: 0.0001 } });
    expect(asStarted(config)).toEqual(started);
    expect(asStarted(started)).toBe(started);
  });

  it('is what lies between two configurations', () => {
    const changed = { ...started, epochs: 4, optimizer: { ...optimizer, clipNorm: 2 } };
    const change = changeBetween(started, changed, { afterStep: 7, schedule: 'stretch' });
    expect(change).toEqual({
      ...{ afterStep: 7, epochs: { from: 3, to: 4 }, schedule: 'stretch' },
      optimizer: { clipNorm: { from: 1, to: 2 } },
    });
    expect(withChange(started, change)).toEqual({ ...changed, changes: [change] });
  });
});

describe('changes that contradict each other or the configuration', () => {
  it('are named', () => {
    expect(changeProblems(after(extension(12)))).toEqual([]);
    expect(changeProblems({ ...after(extension(12)), epochs: 7 })).toEqual(
      [expect.stringMatching(/^changes\.0: the values that it changes are not those before it/)]
        .slice(1)
        .concat(expect.stringMatching(/^changes: they do not lead to the values of epochs and optimizer/)),
    );
    expect(changeProblems(after(extension(12), { afterStep: 3 }))).toEqual([
      'changes.1.afterStep: 3, expected at least 12, that of the change before it',
    ]);
    expect(changeProblems(after({ afterStep: 12, epochs: { from: 3, to: 2 } }))).toEqual([
      'changes.0.epochs.to: 2, expected at least 3: a run can be extended only',
    ]);
  });
});
