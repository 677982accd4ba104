import { describe, expect, it } from 'vitest';
import { CIFAR_IMAGE } from '../format/cifar-binary.js';
import { assertCifar10Facts } from './cifar10-content.js';

const image = CIFAR_IMAGE;

function balancedSplit(count: number): { count: number; pixels: Uint8Array; labels: Uint8Array } {
  return { count, pixels: new Uint8Array(count * 3), labels: Uint8Array.from({ length: count }, (_, i) => i % 10) };
}

describe('the facts of CIFAR-10', () => {
  it('refuse classes that are not balanced', () => {
    const train = balancedSplit(50_000);
    train.labels[0] = 1;
    expect(() => assertCifar10Facts({ image, train, test: balancedSplit(10_000) })).toThrow(
      'the train split has [4999, 5001, 5000, 5000, 5000, 5000, 5000, 5000, 5000, 5000] samples per class, expected 5000',
    );
  });

  it('refuse pixels with another mean', () => {
    expect(() => assertCifar10Facts({ image, train: balancedSplit(50_000), test: balancedSplit(10_000) })).toThrow(
      'the train split has mean [0.00000000, 0.00000000, 0.00000000], expected [0.49139968, 0.48215841, 0.44653091]',
    );
  });
});
