import * as tf from '@tensorflow/tfjs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import {
  coarseKernelName,
  COARSE_OPS,
  type CoarseKind,
  captureKernels,
  interpretProgram,
} from '@facet/compiler/internal';
import { captureCase, type CapturedCase } from './op-case.js';
import { OP_CASES } from './op-cases.js';

const STEP = 2 ** -13;
const TOLERANCE = 1e-6;

const used = new Set<string>();
const spy = vi.spyOn(tf.engine(), 'runKernel');
afterAll(() => spy.mockRestore());

/** Central differences of sum(y * cotangent), in float64. */
function finiteDifferences({ forward, numbers }: CapturedCase, variable: string): number[] {
  const weightedSum = (index: number, offset: number): number => {
    const shifted = [...Array.from(numbers[variable]!)];
    shifted[index]! += offset;
    const { y } = interpretProgram(forward.program, { ...numbers, [variable]: shifted });
    return y!.reduce((sum, value, i) => sum + value * numbers['cotangent']![i]!, 0);
  };
  return Array.from(
    { length: numbers[variable]!.length },
    (_, i) => (weightedSum(i, STEP) - weightedSum(i, -STEP)) / (2 * STEP),
  );
}

describe('the captured gradient agrees with finite differences', () => {
  it.each(OP_CASES)('$name', async (opCase) => {
    spy.mockClear();
    const captured = await captureCase(opCase);
    for (const [name] of spy.mock.calls) used.add(name);
    const results = interpretProgram(captured.gradient.program, captured.numbers);
    for (const variable of captured.variables) {
      const expected = finiteDifferences(captured, variable);
      const actual = results[`grad:${variable}`]!;
      const scale = Math.max(...expected.map(Math.abs), 1e-3);
      expected.forEach((value, i) => {
        expect(Math.abs(actual[i]! - value) / scale, `${variable}[${i}]: ${actual[i]}, expected ${value}`).toBeLessThan(
          TOLERANCE,
        );
      });
    }
  });

  it('for every kernel that can be captured', () => {
    const coarse = (Object.keys(COARSE_OPS) as CoarseKind[]).map(coarseKernelName);
    expect([...Object.keys(captureKernels), ...coarse].filter((name) => !used.has(name))).toEqual([]);
  });
});
