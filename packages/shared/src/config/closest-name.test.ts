import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { closestName, editDistance, suggestion } from './closest-name.js';

const names = ['mnist', 'cifar10', 'epochs', 'engine', 'workers', 'seed', 'identity', 'zoom-in'];

test.each([
  ['mnits', 'mnist'],
  ['MNIST', 'mnist'],
  ['cifar-10', 'cifar10'],
  ['epoch', 'epochs'],
  ['wrokers', 'workers'],
  ['identtiy', 'identity'],
  ['zoomin', 'zoom-in'],
])('takes %s for %s', (typed, meant) => {
  expect(closestName(typed, names)).toBe(meant);
});

test.each(['', 'imagenet', 'xy', 'learningRate'])('stays silent about %j', (typed) => {
  expect(closestName(typed, names)).toBeUndefined();
  expect(suggestion(typed, names)).toBe('');
});

describe('editDistance', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });

  it('is 0 for equal texts only, and the same both ways', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, b)).toBe(editDistance(b, a));
      }),
    );
  });

  it('never exceeds the longer text and never undercuts the difference in length', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        expect(editDistance(a, b)).toBeLessThanOrEqual(Math.max(a.length, b.length));
        expect(editDistance(a, b)).toBeGreaterThanOrEqual(Math.abs(a.length - b.length));
      }),
    );
  });

  it('counts a swap of neighbours once', () => {
    expect(editDistance('mnits', 'mnist')).toBe(1);
    expect(editDistance('kitten', 'sitting')).toBe(3);
  });
});
