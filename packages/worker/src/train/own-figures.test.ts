import { createGradientSum, gradientSumLength, layoutParameters } from '@facet/task';
import { describe, expect, it } from 'vitest';
import { createLoopWorld, LOOP_CONFIG } from '../../test/loop-world.js';
import { ownFigures } from './own-figures.js';

const layout = { parameters: 3, metrics: ['correct'] };
const { slots } = layoutParameters([
  { name: 'a', shape: [3], initialiser: { kind: 'constant', value: 0 }, decays: true },
]);

function sumOf(gradient: readonly number[], loss: number, count: number) {
  const sum = createGradientSum(new Float32Array(gradientSumLength(layout)), layout);
  sum.gradient.set(gradient);
  // Check digits are large numbers: a norm that took them in would show it.
  sum.account({ loss, count, checksum: 99_999, metrics: { correct: 1_000 } });
  return { values: sum.whole };
}

describe("a rank's own figures", () => {
  it('are the norm of its gradient and its mean loss, per sample, without the accounting behind the gradient', () => {
    expect(ownFigures([sumOf([2, 3, 6], 8, 4)], { layout, slots })).toEqual({ localGradientNorm: 7 / 4, localLoss: 2 });
  });

  it('are of all sums that it contributes, so that the norm is never less than that of its mean gradient', () => {
    const opposite = [sumOf([2, 3, 6], 8, 4), sumOf([-2, -3, -6], 4, 2)];
    expect(ownFigures(opposite, { layout, slots })).toEqual({ localGradientNorm: 14 / 6, localLoss: 2 });
  });

  it('are of the parameters that are trained', () => {
    const trained = [{ ...slots[0]!, offset: 1, length: 1 }];
    expect(ownFigures([sumOf([2, 3, 6], 8, 4)], { layout, slots: trained }).localGradientNorm).toBe(3 / 4);
  });

  it('are zeros without a sample', () => {
    expect(ownFigures([], { layout, slots })).toEqual({ localGradientNorm: 0, localLoss: 0 });
  });

  it('go with every step, of this rank alone, and change no bit of it', async () => {
    const other = 3;
    const world = createLoopWorld({
      config: { batch: { ...LOOP_CONFIG.batch } },
      onReduced: (_, output) => {
        // What the others' gradients add is not this rank's.
        for (let at = 0; at < 3; at++) output[at]! += other;
      },
    });
    await world.run();
    for (const { localGradientNorm, localLoss, gradientNorm } of world.steps) {
      expect(localGradientNorm).toBeCloseTo(Math.sqrt(3), 6);
      expect(localLoss).toBe(1);
      expect(gradientNorm).toBeGreaterThan(1.2 * localGradientNorm);
    }
  });
});
