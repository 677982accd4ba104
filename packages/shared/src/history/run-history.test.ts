import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerRecord } from '../ledger/ledger-record.js';
import type { EventItem, HistoryItem, StepItem } from './history-item.js';
import { historyItem } from './item-of-record.js';
import { RunHistory, type HistoryState, type HistoryView } from './run-history.js';

const AT = '2026-11-30T07:00:00.000Z';
const RUN: HistoryItem = {
  ...{ kind: 'run', run: 'r', dataset: 'mnist', trainSamples: 1_000, globalBatch: 64, epochs: 3, seed: 1, at: AT },
};

const amount = fc.double({ min: 0, max: 1_000, noNaN: true });
const facts = fc.record({
  samples: fc.integer({ min: 1, max: 64 }),
  loss: fc.double({ min: -10, max: 1e6, noNaN: true }),
  seconds: amount,
  gradientNorm: fc.option(amount, { nil: undefined }),
  compute: fc.option(amount, { nil: undefined }),
  extra: amount,
});
const training = fc.array(facts, { minLength: 1, maxLength: 200 }).map((steps) =>
  steps.map(({ samples, loss, seconds, gradientNorm, compute, extra }, index): StepItem => ({
    ...{ kind: 'step', step: index + 1, epoch: 0, generation: 1, samples, loss, seconds, at: AT, bytes: 2 },
    ...{ correct: Math.floor(samples / 2), metrics: { extra } },
    ...(gradientNorm !== undefined && { gradientNorm }),
    ...(compute !== undefined && { partsMs: { shardWait: 0, compute, allReduce: 1, update: 2 } }),
  })),
);

function historyOf(steps: readonly StepItem[], mostPoints: number): HistoryView {
  const history = new RunHistory({ mostPoints });
  history.add(RUN);
  for (const step of steps) history.add(step);
  return history.view();
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the points of a history', () => {
  it('say of their steps what the steps say, however many are taken together (property)', () => {
    fc.assert(
      fc.property(training, fc.integer({ min: 4, max: 20 }), (steps, mostPoints) => {
        const { points, lastStep, trainSeconds } = historyOf(steps, mostPoints);
        expect(points.length).toBeLessThanOrEqual(mostPoints);
        expect(lastStep).toBe(steps.length);
        expect(trainSeconds).toBeCloseTo(
          steps.reduce((sum, { seconds }) => sum + seconds!, 0),
          6,
        );
        // Nothing is left out, and nothing counts twice.
        expect(points[0]!.firstStep).toBe(1);
        points.slice(1).forEach(({ firstStep }, index) => expect(firstStep).toBe(points[index]!.lastStep + 1));
        expect(points.at(-1)!.lastStep).toBe(steps.length);
        for (const point of points) {
          const own = steps.slice(point.firstStep - 1, point.lastStep);
          const samples = own.reduce((sum, step) => sum + step.samples, 0);
          const losses = own.map(({ loss }) => loss);
          expect(point.samples).toBe(samples);
          expect(point.loss).toBeCloseTo(mean(losses), 6);
          expect([point.lowestLoss, point.highestLoss]).toEqual([Math.min(...losses), Math.max(...losses)]);
          expect(point.accuracy).toBeCloseTo(own.reduce((sum, { correct }) => sum + correct!, 0) / samples, 9);
          expect(point.metrics['extra']).toBeCloseTo(
            own.reduce((sum, { metrics }) => sum + metrics!['extra']!, 0) / samples,
            6,
          );
          const norms = own.flatMap(({ gradientNorm }) => gradientNorm ?? []);
          if (norms.length === 0) expect(point.gradientNorm).toBeUndefined();
          else expect(point.gradientNorm).toBeCloseTo(mean(norms), 6);
          const compute = own.flatMap(({ partsMs }) => partsMs?.compute ?? []);
          if (compute.length === 0) expect(point.partsMs).toBeUndefined();
          else expect(point.partsMs!.compute).toBeCloseTo(mean(compute), 6);
          expect(point.bytes).toBe(2 * own.length);
        }
      }),
    );
  });

  it('are the same for whoever goes on from a state that was sent (property)', () => {
    fc.assert(
      fc.property(training, fc.integer({ min: 4, max: 20 }), fc.nat(200), (steps, mostPoints, place) => {
        const before = new RunHistory({ mostPoints });
        for (const item of [RUN, ...steps].slice(0, place)) before.add(item);
        const after = RunHistory.from(JSON.parse(JSON.stringify(before.state())) as HistoryState);
        for (const item of [RUN, ...steps].slice(place)) after.add(item);
        // JSON knows no -0.
        expect(JSON.stringify(after.view())).toBe(JSON.stringify(historyOf(steps, mostPoints)));
      }),
    );
  });

  it('are at least half as many as there may be, once there are enough steps', () => {
    for (const count of [40, 41, 1_000, 4_097]) {
      const steps = Array.from({ length: count }, (_, index): StepItem => ({
        ...{ kind: 'step', step: index + 1, epoch: 0, generation: 1, samples: 1, loss: 1, at: AT },
      }));
      expect(historyOf(steps, 40).points.length).toBeGreaterThanOrEqual(20);
    }
  });

  it('are the same after a page has heard of a step twice', () => {
    const steps = [1, 2, 2, 1, 3].map((step): StepItem => ({
      ...{ kind: 'step', step, epoch: 0, generation: 1, samples: 1, loss: step, at: AT },
    }));
    const once = [steps[0]!, steps[1]!, steps[4]!];
    expect(historyOf(steps, 10)).toEqual(historyOf(once, 10));
  });
});

describe('a history', () => {
  it('is a JSON value', () => {
    const view = historyOf([{ kind: 'step', step: 1, epoch: 0, generation: 1, samples: 2, loss: 0.5, at: AT }], 10);
    expect(JSON.parse(JSON.stringify(view))).toEqual(JSON.parse(JSON.stringify({ ...view, end: undefined })));
    expect(view).toMatchObject({ stepsPerEpoch: 16, epochs: 3, lastStep: 1, end: undefined });
  });

  it('keeps the first and the last events when there are too many, and says how many it left out', () => {
    const history = new RunHistory();
    const leave = (step: number): EventItem => ({ kind: 'leave', generation: 1, workerId: 'w', step, at: AT });
    for (let step = 0; step < 3_000; step++) history.add(leave(step));
    const { events, eventsLeftOut } = history.view();
    expect(events.length + eventsLeftOut).toBe(3_000);
    expect(eventsLeftOut).toBe(1_000);
    expect(events.at(0)).toEqual(leave(0));
    expect(events.at(-1)).toEqual(leave(2_999));
  });

  it('has an evaluation once that was computed again, counts replays, and goes on after a stop', () => {
    const history = new RunHistory();
    const records: readonly LedgerRecord[] = [
      { kind: 'evaluation', step: 16, epoch: 0, testAccuracy: 0.5, testLoss: 1, at: AT },
      { kind: 'evaluation', step: 16, epoch: 0, testAccuracy: 0.5, testLoss: 1, at: AT },
      { kind: 'held-out-evaluation', step: 32, epoch: 1, heldOutLoss: 2, metrics: { off: 3 }, at: AT },
      { kind: 'end', reason: 'stopped', step: 32, at: AT },
      { kind: 'resume', fromStep: 16, at: AT },
      { kind: 'replay', step: 17, generation: 2, weightsCrc: '00000000', seconds: 0.5, at: AT },
      { kind: 'change', afterStep: 32, epochs: { from: 3, to: 5 }, at: AT },
    ];
    for (const record of records) history.add(historyItem(record));
    const { evaluations, events, replays, epochs, end } = history.view();
    expect(evaluations).toEqual([
      { kind: 'evaluation', step: 16, epoch: 0, split: 'test', accuracy: 0.5, loss: 1, at: AT },
      { kind: 'evaluation', step: 32, epoch: 1, split: 'held-out', loss: 2, metrics: { off: 3 }, at: AT },
    ]);
    expect(events.map(({ kind, step }) => [kind, step])).toEqual([
      ['end', 32],
      ['resume', 16],
      ['change', 32],
    ]);
    expect({ replays, epochs, end }).toEqual({ replays: { steps: 1, seconds: 0.5 }, epochs: 5, end: undefined });
  });
});
