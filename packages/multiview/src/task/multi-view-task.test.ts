import type { SampleBatch } from '@facet/shared';
import { NO_AUGMENTATION } from '../config/augmentation-schema.js';
import { bindReference, type BatchIdentity } from '@facet/task';
import { describe, expect, it } from 'vitest';
import { allocateMicroBatch, type MicroBatchTensors } from '../data/micro-batch.js';
import { captureTrainingProgram } from '@facet/engine';
import { PROBE_SHAPE, SMALL_TASK } from '../../test/probe-shape.js';
import { POSITION_PAIRS } from '../model/auxiliary-losses.js';
import { multiViewTask } from './multi-view-task.js';
import { createModel } from '../model/multi-view-transformer.js';

const { image, classes, microBatch } = PROBE_SHAPE;
const pixels = image.height * image.width;
const samples: SampleBatch = {
  ids: Uint32Array.of(4, 9),
  fields: {
    label: Uint8Array.of(7, 0),
    image: Uint8Array.from({ length: 2 * pixels }, (_, at) => (at * 31) % 256),
  },
};
const identity: BatchIdentity = { seed: 1, epoch: 0, step: 1, index: 0, isTraining: true };
const tensorsOf = (): MicroBatchTensors => allocateMicroBatch(microBatch, image, classes);

describe('the multi-view model as a task', () => {
  it('augments what it trains on, and nothing that it evaluates', () => {
    const task = multiViewTask({ ...PROBE_SHAPE, augmentation: { ...NO_AUGMENTATION, shiftPixels: 3 } });
    const [plain, evaluated, trained] = [tensorsOf(), tensorsOf(), tensorsOf()];
    SMALL_TASK.prepare(samples, plain, identity);
    task.prepare(samples, evaluated, { ...identity, isTraining: false });
    task.prepare(samples, trained, identity);
    expect(evaluated.images).toEqual(plain.images);
    expect(trained.images).not.toEqual(plain.images);
    expect(trained.targets).toEqual(plain.targets);
  });

  it('draws for its auxiliary losses by the identity of the micro-batch, and only in training', () => {
    const config = { ...PROBE_SHAPE.config, auxiliary: { relativePosition: 0.1, completion: 0.1 } };
    const task = multiViewTask({ ...PROBE_SHAPE, config });
    const { tokens } = createModel({ ...PROBE_SHAPE, config });
    expect(task.inputs.map(({ name }) => name)).toEqual(['images', 'targets', 'tokenPairs', 'hiddenTokens']);
    const drawn = (changes: Partial<BatchIdentity>): readonly Float32Array[] => {
      const draws = {
        tokenPairs: new Float32Array(2 * POSITION_PAIRS * tokens),
        hiddenTokens: new Float32Array(tokens),
      };
      task.prepare(samples, { ...tensorsOf(), ...draws }, { ...identity, ...changes });
      return [draws.tokenPairs, draws.hiddenTokens];
    };
    expect(drawn({})).toEqual(drawn({}));
    expect(drawn({ epoch: 1 })).toEqual(drawn({}));
    for (const changes of [{ seed: 2 }, { step: 2 }, { index: 1 }]) expect(drawn(changes)).not.toEqual(drawn({}));
    expect(drawn({ isTraining: false }).every((values) => values.every((value) => value === 0))).toBe(true);
  });

  it('is made again in another process with the same program', async () => {
    const again = await bindReference(JSON.parse(JSON.stringify(SMALL_TASK.reference)) as typeof SMALL_TASK.reference);
    expect(again.parameters).toEqual(SMALL_TASK.parameters);
    expect(again.inputs).toEqual(SMALL_TASK.inputs);
    expect(await captureTrainingProgram(again)).toEqual(await captureTrainingProgram(SMALL_TASK));
  });
});
