import { expect, test } from 'vitest';
import { withDefaultFlags } from './default-flags.mjs';

const defaults = { dataset: 'mnist', workers: '2' };

test.each([
  [[], ['--dataset', 'mnist', '--workers', '2']],
  [
    ['--workers', '4'],
    ['--dataset', 'mnist', '--workers', '4'],
  ],
  [
    ['--dataset=cifar10', '--json'],
    ['--workers', '2', '--dataset=cifar10', '--json'],
  ],
  [
    ['--', '--json'],
    ['--dataset', 'mnist', '--workers', '2', '--json'],
  ],
  [
    ['--workers-per-gpu', '1'],
    ['--dataset', 'mnist', '--workers', '2', '--workers-per-gpu', '1'],
  ],
])('%j becomes %j', (given, expected) => {
  expect(withDefaultFlags(given, defaults)).toEqual(expected);
});
