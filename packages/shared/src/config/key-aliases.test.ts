import { expect, it } from 'vitest';
import { configKeys } from './config-keys.js';
import { keyMeantBy } from './key-aliases.js';
import { problemsOf, tasks, withFlags } from '../../test/resolving.js';

const KEYS = configKeys(tasks, tasks[0]).all;

it.each([
  ['lr', 'optimizer.peakLearningRate'],
  ['batch-size', 'batch.global'],
  ['weight-decay', 'optimizer.weightDecay'],
  ['weight_decay', 'optimizer.weightDecay'],
  ['epochs', 'epochs'],
  ['toString', undefined],
  ['nonsense', undefined],
])('%s means %s', (name, key) => {
  expect(keyMeantBy(name, KEYS)).toBe(key);
  if (key !== undefined) expect(KEYS).toContain(key);
});

it('names the key that a setting means', () => {
  expect(problemsOf(withFlags({ lr: 0.1 }))).toEqual([
    'lr: unknown key (from the command line); did you mean optimizer.peakLearningRate?',
  ]);
});

it('names the devices of a GPU', () => {
  expect(problemsOf(withFlags({ engine: { device: 'gpu' } }))[0]).toMatch(/; for a GPU say cuda \(NVIDIA\) or webgpu$/);
});
