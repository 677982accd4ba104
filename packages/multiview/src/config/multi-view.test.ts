import { datasetDefinition, DATASETS } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import { MULTI_VIEW } from './multi-view.js';
import { multiViewOptionsSchema } from './options.js';
import { PRESET_NAMES, PRESETS, type PresetName } from './presets.js';

describe.each(DATASETS)('the presets of %s', (name) => {
  const dataset = datasetDefinition(name);
  const names = MULTI_VIEW.presetsFor(dataset) as PresetName[];

  it('are those of its family, for its channels, the fast one first', () => {
    expect([...names].sort()).toEqual(
      PRESET_NAMES.filter((preset) => PRESETS[preset].dataset === dataset.family).sort(),
    );
    expect(names[0]).toMatch(/-fast$/);
    for (const preset of names) {
      expect(PRESETS[preset].task.options.model.pixels.mean).toHaveLength(dataset.image.channels);
    }
  });

  it('never flip a picture that the dataset says has no mirror image', () => {
    const flips = (preset: PresetName): boolean => PRESETS[preset].task.options.augmentation.flip;
    // A preset of the family's own dataset: others of the family may allow more.
    if (!dataset.traits.isMirrorable) expect(names.some(flips)).toBe(false);
  });
});

it.each(PRESET_NAMES)('%s gives every option, and one that is sound', (name) => {
  const { options } = PRESETS[name].task;
  expect(multiViewOptionsSchema.parse(options)).toEqual(options);
});
