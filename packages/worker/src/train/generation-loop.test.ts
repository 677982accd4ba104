/** The loop by itself; what its arithmetic comes to is wired-update.test.ts's matter. */
import { describe, expect, it } from 'vitest';
import { SYSTEM_TRAINING } from '../../../../test/testkit/system-training.js';
import { createLoopWorld, LOOP_CONFIG, type LoopWorld } from '../../test/loop-world.js';

const copyOf = ({ weights, m, v }: LoopWorld['state']) => [[...weights], [...m], [...v]];

describe('a generation', () => {
  it('does every step of the plan in order, and an evaluation after each epoch', async () => {
    const world = createLoopWorld();
    await world.run();
    expect(world.steps.map(({ step, sampleCount }) => [step, sampleCount])).toEqual([
      [1, 4],
      [2, 4],
      [3, 1],
      [4, 4],
      [5, 4],
      [6, 1],
    ]);
    expect(world.evaluations).toEqual([
      { step: 3, counts: [2, 1] },
      { step: 6, counts: [2, 1] },
    ]);
    expect(world.state.appliedStep).toBe(6);
  });

  it('reports means over the real samples, and the norm of the mean gradient', async () => {
    const world = createLoopWorld();
    await world.run();
    for (const { loss, gradientNorm, localSamples, sampleCount } of world.steps) {
      expect(loss).toBe(1);
      expect(gradientNorm).toBeCloseTo(Math.sqrt(3), 6);
      expect(localSamples).toBe(sampleCount);
    }
  });

  it('begins where it is told, with the evaluation of a step that was done before', async () => {
    const world = createLoopWorld();
    await world.run({ kind: 'evaluate', step: 3 });
    expect(world.evaluations.map(({ step }) => step)).toEqual([3, 6]);
    expect(world.steps.map(({ step }) => step)).toEqual([4, 5, 6]);
  });

  it('stops after its last step, before the evaluation that would follow', async () => {
    const world = createLoopWorld({ options: () => ({ lastStep: () => 3 }) });
    await world.run();
    expect(world.steps.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(world.evaluations).toEqual([]);
  });

  it('asks for the last step before every piece of work: it may come while the generation runs', async () => {
    const world = createLoopWorld({
      options: ({ steps }) => ({ lastStep: () => (steps.length < 2 ? Number.POSITIVE_INFINITY : 2) }),
    });
    await world.run();
    expect(world.steps).toHaveLength(2);
  });

  it('takes part in the all-reduce of a step without having a micro-batch of it', async () => {
    // Step 3 has one micro-batch, which is rank 1's; rank 0 contributes nothing, and gets what the other one sent.
    const world = createLoopWorld({ rank: 0, split: [0, 1, 2], options: () => ({ lastStep: () => 3 }) });
    await expect(world.run({ kind: 'train', step: 3 })).rejects.toThrow(/step 3 holds 0 samples/);
    expect(world.reduced).toEqual([3]);
    expect(world.seen).toEqual([]);
  });

  it('shows the engine the weights for a step and their average for an evaluation', async () => {
    const optimizer = { ...SYSTEM_TRAINING.optimizer, emaDecay: 0.9 };
    const world = createLoopWorld({ config: { optimizer } });
    await world.run();
    const evaluated = world.seen.filter(({ kind }) => kind === 'evaluate').at(-1)!;
    expect(evaluated.weights).toEqual([...world.state.ema!]);
    expect(evaluated.weights).not.toEqual([...world.state.weights]);
  });
});

describe('no update is made', () => {
  const refused = async (world: LoopWorld, message: RegExp): Promise<void> => {
    const before = copyOf(world.state);
    await expect(world.run()).rejects.toThrow(message);
    expect(copyOf(world.state)).toEqual(before);
    expect(world.state.appliedStep).toBe(0);
    expect(world.steps).toEqual([]);
  };

  it('with a sample too few', () =>
    refused(
      createLoopWorld({
        onReduced: (_, output) => {
          output[5]! -= 1;
        },
      }),
      /holds 3 samples .* expected 4/,
    ));

  it('with other samples, though as many', () =>
    refused(
      createLoopWorld({
        onReduced: (_, output) => {
          output[6]! += 1;
        },
      }),
      /holds 4 samples with checksum (\d+), expected 4 with (?!\1)\d+; no update was made/,
    ));

  it('with a gradient that is not finite; the first parameter is named', () =>
    refused(
      createLoopWorld({
        onCompute: ({ gradient }) => {
          gradient[2] = Number.NaN;
        },
      }),
      /step 1 is not finite, first in bias/,
    ));

  it('when it is aborted while the gradient travels', () =>
    refused(
      createLoopWorld({
        options: ({ abort }) => ({
          now: () => {
            if (!abort.signal.aborted) abort.abort();
            return 0;
          },
        }),
      }),
      /abort/i,
    ));

  it('when weights change by themselves while the engine reads them', async () => {
    const world: LoopWorld = createLoopWorld({
      onCompute: (_, computed) => {
        if (computed === 1) world.state.weights[0] = 1.5;
      },
    });
    await expect(world.run()).rejects.toThrow(/rank 0 .*between step 0 and step 1/);
    expect(world.reduced).toEqual([]);
  });

  it('when a moment changes by itself', async () => {
    const world: LoopWorld = createLoopWorld({
      onReduced: (step) => {
        if (step === 2) world.state.m[1]! += 1;
      },
    });
    await expect(world.run()).rejects.toMatchObject({ code: 'DESYNC' });
    expect(world.steps).toHaveLength(1);
  });
});

it('the plan of these tests has a step that one sample makes', () => {
  expect(LOOP_CONFIG.samples.train % LOOP_CONFIG.batch.global).toBe(1);
});
