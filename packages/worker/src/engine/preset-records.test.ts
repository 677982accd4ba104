import { describe, expect, it } from 'vitest';
import { DATASET_SHAPES, PRESET_RECORDS, PRESETS, type PresetName } from '@facet/shared';
import { describePrograms } from './describe-programs.js';

describe.each(Object.keys(PRESETS) as PresetName[])('what is recorded of %s', (name) => {
  it('is the size and the cost of its model as it is now', async () => {
    const { dataset, model, batch, optimizer } = PRESETS[name];
    const { parameters, programs, microBatch } = await describePrograms(
      {
        ...DATASET_SHAPES[dataset],
        config: model,
        microBatch: batch.micro,
        labelSmoothing: optimizer.labelSmoothing,
      },
      { isAttacked: false },
    );
    const { matMulFlops } = programs.find((program) => program.name === 'evaluate')!.compiled;
    const recorded = PRESET_RECORDS[name];
    expect(recorded.parameters).toBe(parameters);
    expect(recorded.macsPerImage / 1e6).toBeCloseTo(matMulFlops / 2 / microBatch / 1e6, 1);
  });
});
