/**
 * Twenty updates of every optimizer, with clipping, schedule and averaged weights, and every schedule, against PyTorch's own; Lion,
 * which PyTorch does not have, against an implementation in PyTorch from the paper.
 */
import { describe, expect, it } from 'vitest';
import { OPTIMIZER_NAMES, SCHEDULE_NAMES } from '../packages/shared/src/config/optimizer-schema.js';
import { randomKey, randomStream, type OptimizerConfig } from '@facet/shared';
import { asGradient, type Gradient } from '../packages/task/src/arithmetic/gradient-sum.js';
import { layoutParameters } from '../packages/task/src/arithmetic/parameters.js';
import { applyUpdate } from '../packages/task/src/optimizer/apply-update.js';
import { learningRate } from '../packages/task/src/optimizer/learning-rate.js';
import { decayAt, updateAverage } from '../packages/task/src/optimizer/weight-average.js';
import { expectClose, storedNumbers } from './stored-numbers.js';

interface OptimizerCase {
  readonly name: string;
  readonly config: OptimizerConfig;
  readonly steps: number;
  readonly slots: readonly (readonly [name: string, size: number, decays: boolean])[];
  readonly norms: readonly number[];
  readonly rates: readonly number[];
  readonly states: readonly {
    readonly step: number;
    readonly weights: readonly number[];
    readonly m: readonly number[];
    readonly v: readonly number[];
    readonly ema: readonly number[];
  }[];
}

interface ScheduleCase {
  readonly name: string;
  readonly config: OptimizerConfig;
  readonly steps: number;
  /** The rate of each update, from the first on. */
  readonly rates: readonly number[];
}

const { cases, schedules } = storedNumbers<{
  readonly cases: readonly OptimizerCase[];
  readonly schedules: readonly ScheduleCase[];
}>('optimizer');

const samplesOf = (step: number): number => (step % 5 === 0 ? 7 : 24);

/** What the samples of a step add up to. */
function gradientOf(step: number, count: number): Gradient {
  const stream = randomStream(randomKey('simulation', 300, step));
  const size = step % 4 === 0 ? 8 : 2;
  const values = Float32Array.from({ length: count }, () => (2 * stream.nextUniform() - 1) * size);
  return asGradient(
    values.map((value) => value * samplesOf(step)),
    count,
  );
}

describe.each(cases)('$config.name, $name', (of) => {
  it('is where the reference is after 1, 7 and 20 updates', () => {
    const { config, steps: totalSteps } = of;
    const layout = layoutParameters(
      of.slots.map(([name, size, decays]) => ({
        name,
        shape: [size],
        initialiser: { kind: 'constant', value: 0 },
        decays,
      })),
    );
    const { length } = layout;
    const stream = randomStream(randomKey('simulation', 300, 0));
    const weights = Float32Array.from({ length }, () => 2 * stream.nextUniform() - 1);
    const state = { weights, m: new Float32Array(length), v: new Float32Array(length), ema: weights.slice() };
    const states = new Map(of.states.map((expected) => [expected.step, expected]));
    for (let step = 1; step <= totalSteps; step++) {
      const gradientScale = 1 / samplesOf(step);
      const rate = learningRate(config, step, totalSteps);
      const norm = applyUpdate(state, gradientOf(step, length), { config, layout, step, rate, gradientScale });
      updateAverage(state.ema, state.weights, decayAt(config.emaDecay, step));
      expectClose([norm], [of.norms[step - 1]!], 1e-6, `norm of step ${step}`);
      expectClose([rate], [of.rates[step - 1]!], 1e-12, `rate of step ${step}`);
      const expected = states.get(step);
      if (expected === undefined) continue;
      for (const part of ['weights', 'm', 'v', 'ema'] as const) {
        expectClose(state[part], expected[part], 1e-6, `${part} after step ${step}`);
      }
      states.delete(step);
    }
    expect([...states.keys()]).toEqual([]);
  });
});

it.each(schedules)('the rates are those of PyTorch: $name', ({ config, steps, rates }) => {
  const ours = rates.map((_, i) => learningRate(config, i + 1, steps));
  expectClose(ours, rates, 1e-12, 'rate');
});

it('every optimizer and every schedule has a case', () => {
  const named = (key: 'name' | 'schedule'): string[] =>
    [...new Set([...cases, ...schedules].map(({ config }) => config[key]))].sort();
  expect(named('name')).toEqual([...OPTIMIZER_NAMES].sort());
  expect(named('schedule')).toEqual([...SCHEDULE_NAMES].sort());
});
