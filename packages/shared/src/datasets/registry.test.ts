import { describe, expect, it } from 'vitest';
import { datasetDefinition, DATASETS, datasetShape, findDataset } from './registry.js';

describe.each(DATASETS)('the definition of %s', (name) => {
  const dataset = datasetDefinition(name);

  it('has its own name, and a family of images of its size', () => {
    expect(dataset.name).toBe(name);
    expect(datasetDefinition(dataset.family).image).toEqual(dataset.image);
  });

  it('has as many different class names as labels', () => {
    expect(new Set(dataset.classes).size).toBe(dataset.classes.length);
    expect(datasetShape(name).classes).toBe(dataset.classes.length);
    const { files } = dataset;
    if (files.format === 'cifar-binary') expect(files.labelBytes.at(-1)).toBe(dataset.classes.length);
  });
});

it('has no dataset that is not there', () => {
  expect(findDataset('imagenet')).toBeUndefined();
});
