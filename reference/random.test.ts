/** Random streams and what a run draws from them, against a second implementation: keys, streams, plan, check digits. */
import { describe, expect, it } from 'vitest';
import { createPlan, permutation, randomKey, randomStream, sampleChecksum, type Purpose } from '@facet/shared';
import { shuffled } from '../packages/shared/src/random.js';
import { drawAuxiliary } from '../packages/multiview/src/data/auxiliary-draws.js';
import { expectClose, storedNumbers } from './stored-numbers.js';

interface PlanCase {
  readonly name: string;
  readonly seed: number;
  readonly total: number;
  readonly train: number;
  readonly heldOut: number;
  readonly globalBatch: number;
  readonly microBatch: number;
  readonly heldOutIds: readonly number[];
  readonly steps: readonly {
    readonly epoch: number;
    readonly microBatches: readonly (readonly number[])[];
    readonly checksum: number;
  }[];
}

const { keys, streams, shuffles, plans, auxiliary } = storedNumbers<{
  keys: readonly { readonly name: Purpose; readonly words: readonly number[]; readonly key: number }[];
  streams: readonly {
    readonly name: string;
    readonly key: number;
    readonly integers: readonly number[];
    readonly uniforms: readonly number[];
    readonly below: readonly number[];
    readonly normals: readonly number[];
  }[];
  shuffles: readonly { readonly key: number; readonly size: number; readonly order: readonly number[] }[];
  plans: readonly PlanCase[];
  auxiliary: readonly {
    readonly name: string;
    readonly tokens: number;
    readonly pairs: readonly (readonly [number, number])[];
    readonly hidden: readonly number[];
  }[];
}>('random');

it('every purpose has the keys of the specification, whatever the words', () => {
  expect(keys.map(({ name, words }) => randomKey(name, ...words))).toEqual(keys.map(({ key }) => key));
});

it.each(streams)(
  'a stream has the draws of the specification: $name',
  ({ key, integers, uniforms, below, normals }) => {
    const stream = randomStream(key);
    expect(integers.map(() => stream.nextUint32())).toEqual(integers);
    expect(uniforms.map(() => stream.nextUniform())).toEqual(uniforms);
    const bounds = [1, 2, 10, 3 * 2 ** 30, 3 * 2 ** 30, 3 * 2 ** 30, 2 ** 32];
    expect(bounds.map((bound) => stream.nextBelow(bound))).toEqual(below);
    expectClose(
      normals.map(() => stream.nextNormal()),
      normals,
      1e-14,
      'normals',
    );
  },
);

it('shuffles have the order of the specification', () => {
  expect(shuffles.map(({ key, size }) => [...shuffled(key, size)])).toEqual(shuffles.map(({ order }) => order));
  expect([...permutation(3, 2, 50)]).toEqual(shuffles.at(-1)!.order);
});

describe.each(plans)('a plan of $name', (of) => {
  const config = {
    seed: of.seed,
    epochs: 2,
    batch: { global: of.globalBatch, micro: of.microBatch },
    samples: { train: of.train, test: 0, heldOut: of.heldOut },
  };
  const plan = createPlan(config, { trainSamples: of.total, testSamples: 10 });

  it('holds out, and trains on, the samples of the specification', () => {
    expect([...plan.heldOut]).toEqual(of.heldOutIds);
    expect(plan.totalSteps).toBe(of.steps.length);
    of.steps.forEach(({ epoch, microBatches, checksum }, index) => {
      const item = { kind: 'train', step: index + 1 } as const;
      expect(plan.epochOf(item.step)).toBe(epoch);
      const ids = Array.from({ length: plan.microBatchCount(item) }, (_, at) => plan.microBatch(item, at));
      expect(ids.map((part) => [...part])).toEqual(microBatches);
      expect(ids.reduce((sum, part) => sum + sampleChecksum(config, epoch, part), 0)).toBe(checksum);
    });
  });
});

it.each(auxiliary)('auxiliary losses look at the tokens of the specification: $name', ({ tokens, pairs, hidden }) => {
  const draws = {
    tokenPairs: new Float32Array(2 * pairs.length * tokens),
    hiddenTokens: new Float32Array(tokens),
  };
  drawAuxiliary(draws, randomKey('auxiliary', 4, 3, 2));
  const chosen = (row: number): number => draws.tokenPairs.subarray(row * tokens, (row + 1) * tokens).indexOf(1);
  expect(pairs.map((_, pair) => [chosen(pair), chosen(pairs.length + pair)])).toEqual(pairs);
  expect([...draws.hiddenTokens.keys()].filter((token) => draws.hiddenTokens[token] === 1)).toEqual(hidden);
});
