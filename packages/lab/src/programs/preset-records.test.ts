import { describe, expect, it } from 'vitest';
import { datasetShape } from '@facet/shared';
import { PRESET_RECORDS, PRESETS, type PresetName } from '@facet/multiview/config';
import { multiViewShape, multiViewTask } from '@facet/multiview';
import { describePrograms } from '@facet/engine';

describe.each(Object.keys(PRESETS) as PresetName[])('what is recorded of %s', (name) => {
  it('is the size and the cost of its model as it is now', async () => {
    const preset = PRESETS[name];
    const { parameters, macsPerImage } = await describePrograms(
      multiViewTask(multiViewShape(datasetShape(preset.dataset), preset)),
    );
    const recorded = PRESET_RECORDS[name];
    expect(recorded.parameters).toBe(parameters);
    expect(recorded.macsPerImage / 1e6).toBeCloseTo(macsPerImage / 1e6, 1);
  });
});
