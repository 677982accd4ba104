import { describe, expect, it } from 'vitest';
import { asGradient, createGradientSum, gradientSumLength } from './gradient-sum.js';

const layout = { parameters: 3, metrics: ['correct', 'far', 'near'] };
const counted = (length: number): Float32Array => Float32Array.from({ length }, (_, at) => at + 1);

describe('the sum of a micro-batch', () => {
  it('is the gradient, the loss, the metrics in their order, the count and the check digits', () => {
    expect(gradientSumLength(layout)).toBe(9);
    const { gradient, accounting } = createGradientSum(counted(9), layout);
    expect([...gradient]).toEqual([1, 2, 3]);
    expect(accounting()).toEqual({ loss: 4, metrics: { correct: 5, far: 6, near: 7 }, count: 8, checksum: 9 });
  });

  it('is the gradient, the loss, the count and the check digits where a task has no metrics', () => {
    const bare = { parameters: 2, metrics: [] };
    const { accounting } = createGradientSum(counted(gradientSumLength(bare)), bare);
    expect(accounting()).toEqual({ loss: 3, metrics: {}, count: 4, checksum: 5 });
  });

  it('says where the engine writes', () => {
    const { placeOf, whole, accounting } = createGradientSum(new Float32Array(9), layout);
    whole[placeOf('loss')] = 10;
    layout.metrics.forEach((metric, at) => (whole[placeOf({ metric })] = 20 + at));
    expect(accounting()).toEqual({ loss: 10, metrics: { correct: 20, far: 21, near: 22 }, count: 0, checksum: 0 });
  });

  it('is accounted for in part; the rest and the gradient stay', () => {
    const { account, accounting, gradient } = createGradientSum(counted(9), layout);
    account({ count: 0, metrics: { far: 0 } });
    expect(accounting()).toEqual({ loss: 4, metrics: { correct: 5, far: 0, near: 7 }, count: 0, checksum: 9 });
    account({ loss: -1, checksum: 70 });
    expect(accounting()).toEqual({ loss: -1, metrics: { correct: 5, far: 0, near: 7 }, count: 0, checksum: 70 });
    expect([...gradient]).toEqual([1, 2, 3]);
  });

  it('is refused in a buffer of another length', () => {
    expect(() => createGradientSum(new Float32Array(7), layout)).toThrow(
      'a buffer of 7 elements, expected 9: 3 parameters and 6 of accounting; report this as a bug',
    );
  });
});

it('what has accounting behind it is no gradient', () => {
  expect(asGradient(counted(3), 3)).toEqual(counted(3));
  expect(() => asGradient(counted(9), 3)).toThrow('a gradient of 9 elements for 3 parameters');
});
