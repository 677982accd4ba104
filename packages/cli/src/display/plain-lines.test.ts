import { expect, test } from 'vitest';
import type { Status } from '@facet/proto';
import { status } from '../../test/status.js';
import { plainLines, startPlainProgress } from './plain-lines.js';

/** What is printed for statuses that come one second apart. */
function printed(statuses: readonly Status[], everyMs = 1_000): string[][] {
  let progress = startPlainProgress(0);
  return statuses.map((next, index) => {
    const step = plainLines(progress, next, (index + 1) * everyMs);
    progress = step.progress;
    return [...step.lines];
  });
}

const at = (step: number, changes: Partial<Status> = {}): Status =>
  status({ step, totalSteps: 200, epochs: 2, hasTestAccuracy: false, ...changes });

test('says when the phase changes, and once only', () => {
  const gathering = at(0, { phase: 'gathering', detail: '0 of 2 workers are ready' });
  expect(printed([gathering, gathering, at(1), at(2), at(100, { phase: 'evaluating' }), at(3)])).toEqual([
    ['gathering: 0 of 2 workers are ready'],
    [],
    ['training: 2 workers'],
    [],
    [],
    [],
  ]);
});

test('prints a line at the end of every epoch, when its evaluation is over', () => {
  const lines = printed([
    at(99),
    at(100, { phase: 'evaluating' }),
    at(100),
    at(101, { hasTestAccuracy: true }),
    at(200, { phase: 'evaluating', hasTestAccuracy: true }),
    at(200, { phase: 'finished', detail: 'all epochs are done', hasTestAccuracy: true, etaSeconds: 0 }),
  ]);
  expect(lines.slice(1)).toEqual([
    [],
    [],
    ['epoch 1/2 done  loss 0.2134  train 93.4 %  test 97.22 %  8,123 images/s  eta 18.1 s'],
    [],
    ['finished: all epochs are done', 'epoch 2/2 done  loss 0.2134  train 93.4 %  test 97.22 %  8,123 images/s'],
  ]);
});

test('prints a line every ten seconds in between', () => {
  const lines = printed([at(10), at(20), at(30), at(40), at(50), at(60)], 4_000);
  expect(lines.map((some) => some.filter((line) => line.startsWith('epoch')))).toEqual([
    [],
    [],
    ['epoch 1/2  step 30/200  loss 0.2134  train 93.4 %  8,123 images/s  eta 18.1 s'],
    [],
    [],
    ['epoch 1/2  step 60/200  loss 0.2134  train 93.4 %  8,123 images/s  eta 18.1 s'],
  ]);
});

test('does not announce the epochs that an earlier coordinator finished', () => {
  expect(printed([at(150), at(151)])).toEqual([['training: 2 workers'], []]);
});

test('prints each fault once', () => {
  const faulty = at(10, { lastFault: 'worker x is gone' });
  expect(printed([at(9), faulty, faulty]).slice(1)).toEqual([['fault: worker x is gone'], []]);
});

test('warns once that engines are mixed', () => {
  const mixed = at(10, { mixedEngines: 'mixed engines: a/cpu, b/cpu' });
  expect(printed([at(9), mixed, mixed]).slice(1)).toEqual([['warning: mixed engines: a/cpu, b/cpu'], []]);
});

test('warns once about a straggler, and again only when there is another', () => {
  const slow = at(10, { stragglers: 'worker a takes 2.0 times as long' });
  const both = at(11, { stragglers: 'worker a takes 2.0 times as long; worker b takes 1.7 times as long' });
  expect(printed([at(9), slow, slow, both, at(12)]).slice(1)).toEqual([
    ['warning: straggler: worker a takes 2.0 times as long'],
    [],
    ['warning: straggler: worker a takes 2.0 times as long; worker b takes 1.7 times as long'],
    [],
  ]);
});

test('warns once about an outlier', () => {
  const odd = at(10, { outliers: 'worker a: its gradient is 20 times' });
  expect(printed([at(9), odd, odd]).slice(1)).toEqual([['warning: outlier: worker a: its gradient is 20 times'], []]);
});
