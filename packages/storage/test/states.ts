/** Training states for tests: eight values that are a function of the step. */
import type { CheckpointInfo, ParameterLayout, TrainingState } from '@facet/shared';

export const LAYOUT: readonly ParameterLayout[] = [
  { name: 'head.bias', shape: [2], offset: 6, length: 2 },
  { name: 'patch.kernel', shape: [2, 3], offset: 0, length: 6 },
];

export function stateAt(step: number): TrainingState {
  const values = (shift: number): Float32Array =>
    Float32Array.from({ length: 8 }, (_, index) => Math.fround((index + shift) / 3));
  return { step, weights: values(step), m: values(step + 100), v: values(step + 200) };
}

export function infoAt(step: number): CheckpointInfo {
  return {
    run: 'demo',
    step,
    epoch: 2,
    config: { seed: 7 },
    codeVersion: '0.1.0',
    ledgerStep: step,
    metrics: { testAccuracy: 0.991 },
    at: '2026-03-01T12:00:00.000Z',
  };
}
