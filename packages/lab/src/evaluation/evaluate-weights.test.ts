import { expect, test } from 'vitest';
import { openDataset } from '@facet/datasets';
import { randomModel, withModel, temporaryFolder, writeDataset } from '../../test/trained-model.js';
import { evaluateWeights } from './evaluate-weights.js';

const CPU = { name: 'onnxruntime', device: 'cpu' } as const;

async function evaluation(samples: number, augmentation: 'none' | 'test-time') {
  const dataFolder = await temporaryFolder();
  await writeDataset(dataFolder, samples);
  const { config, weights, layout } = randomModel({ dataFolder });
  const dataset = await openDataset({ name: 'mnist', folder: dataFolder });
  return {
    dataset,
    result: await evaluateWeights({
      config,
      weights,
      layout,
      dataset,
      augmentation,
      split: 'test',
      engine: CPU,
      threads: 1,
    }),
  };
}

test('every sample is counted once, also those of a last micro-batch that is not full', async () => {
  const { dataset, result } = await evaluation(20, 'none');
  expect(result.samples).toBe(20);
  expect(result.augmented).toBeUndefined();
  const perLabel = Array.from(
    { length: 10 },
    (_, label) => dataset.test.labels.filter((each) => each === label).length,
  );
  expect(result.confusion.map((row) => row.reduce((sum, count) => sum + count, 0))).toEqual(perLabel);
  expect(result.calibration.bins.reduce((sum, { count }) => sum + count, 0)).toBe(20);
  const wrong = 20 - Math.round(result.accuracy * 20);
  expect(result.topMistakes).toHaveLength(Math.min(wrong, 20));
});

test('test-time augmentation reports its own scores and leaves the plain ones alone', async () => {
  const plain = await evaluation(20, 'none');
  const both = await evaluation(20, 'test-time');
  const { augmented, ...scores } = both.result;
  expect(scores).toEqual(plain.result);
  // MNIST has no mirror images: a mirrored digit is another one or none.
  expect(augmented?.transforms).toEqual(['identity', 'left', 'right', 'up', 'down']);
  expect(augmented?.loss).not.toBe(scores.loss);
});

test('weights of another model are refused', async () => {
  const dataFolder = await temporaryFolder();
  await writeDataset(dataFolder, 8);
  const { config, weights, layout } = randomModel({ dataFolder });
  const dataset = await openDataset({ name: 'mnist', folder: dataFolder });
  const other = withModel(config, { ...config.task.options.model, width: 24, heads: 2 });
  const evaluating = evaluateWeights({
    config: other,
    weights,
    layout,
    dataset,
    split: 'test',
    engine: CPU,
    threads: 1,
  });
  await expect(evaluating).rejects.toMatchObject({ code: 'CHECKPOINT_INCOMPATIBLE' });
});
