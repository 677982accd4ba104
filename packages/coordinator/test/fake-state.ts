/**
 * What a fake worker holds: eight weights that are a function of the step, and the accounting that a real reduction would
 * produce. Two fakes agree because there is nothing that they could disagree on.
 */
import type { StepDone } from '@facet/proto';
import { crc32, momentsCrc, sampleChecksum, type Plan, type RunConfig, type TrainingState } from '@facet/shared';

export const FAKE_PARAMETERS = [
  { name: 'kernel', shape: [2, 3] },
  { name: 'bias', shape: [2] },
];

const VALUES = 8;

export function fakeState(step: number): TrainingState {
  const values = (shift: number): Float32Array =>
    Float32Array.from({ length: VALUES }, (_, i) => step * 100 + shift + i);
  return { step, weights: values(0), m: values(10), v: values(20) };
}

export function fakeCrc(step: number): number {
  return crc32(new Uint8Array(fakeState(step).weights.buffer));
}

export function fakeMomentsCrc(step: number): number {
  return momentsCrc(fakeState(step));
}

export interface FakeStepOptions {
  readonly config: RunConfig;
  readonly plan: Plan;
  readonly generation: number;
  readonly step: number;
}

export function fakeStepDone({ config, plan, generation, step }: FakeStepOptions): StepDone {
  const item = { kind: 'train', step } as const;
  const ids = Array.from({ length: plan.microBatchCount(item) }, (_, index) => [
    ...plan.microBatch(item, index),
  ]).flat();
  return {
    generation,
    step,
    weightsCrc: fakeCrc(step),
    momentsCrc: fakeMomentsCrc(step),
    loss: 1 / step,
    metrics: { correct: Math.floor(ids.length / 2) },
    sampleCount: ids.length,
    sampleChecksum: sampleChecksum(config, plan.epochOf(step), Uint32Array.from(ids)),
    gradientNorm: 1,
    learningRate: 1e-3,
    timings: { totalMs: 10, shardWaitMs: 1, computeMs: 5, allReduceMs: 3, updateMs: 1 },
    bytesSent: 32,
    bytesReceived: 32,
    localSamples: ids.length,
    localGradientNorm: 1,
    localLoss: 1 / step,
  };
}
