import { describe, expect, it } from 'vitest';
import { PRESETS } from '../config/presets.js';
import { PRESET_NAMES } from './definition.js';
import { datasetDefinition, DATASETS, datasetShape, findDataset } from './registry.js';

describe.each(DATASETS)('the definition of %s', (name) => {
  const dataset = datasetDefinition(name);

  it('has its own name, and a preset of its family for its channels', () => {
    expect(dataset.name).toBe(name);
    const preset = PRESETS[dataset.preset];
    expect(preset.dataset).toBe(dataset.family);
    expect(preset.model.pixels.mean).toHaveLength(dataset.image.channels);
    expect(datasetDefinition(dataset.family).image).toEqual(dataset.image);
  });

  it('has as many different class names as labels', () => {
    expect(new Set(dataset.classes).size).toBe(dataset.classes.length);
    expect(datasetShape(name).classes).toBe(dataset.classes.length);
    const { files } = dataset;
    if (files.format === 'cifar-binary') expect(files.labelBytes.at(-1)).toBe(dataset.classes.length);
  });

  it('never flips a picture by its preset that it says has no mirror image', () => {
    if (!dataset.traits.isMirrorable) expect(PRESETS[dataset.preset].augmentation.flip).toBe(false);
  });
});

it('has every preset, and no dataset that is not there', () => {
  expect(Object.keys(PRESETS)).toEqual([...PRESET_NAMES]);
  expect(findDataset('imagenet')).toBeUndefined();
});
