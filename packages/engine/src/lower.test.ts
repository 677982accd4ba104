import { describe, expect, it } from 'vitest';
import { describeTraining } from './micro-batch-program.js';
import { PROBE_TASK } from './probe-task.js';
import { COARSE_OPS } from '@facet/compiler/internal';
import { countOps, captureProgram, lower } from '@facet/compiler';

describe('lowering', () => {
  it('finds every coarse operation of the model as single nodes, and leaves none', async () => {
    const captured = await captureProgram(describeTraining(PROBE_TASK));
    const kinds = countOps(captured).map(([kind]) => kind);
    expect(kinds).toEqual(expect.arrayContaining(Object.keys(COARSE_OPS)));
    const lowered = countOps(await lower(captured)).map(([kind]) => kind);
    expect(lowered.filter((kind) => kind in COARSE_OPS)).toEqual([]);
  });

  it('keeps the inputs, the outputs and their types', async () => {
    const captured = await captureProgram(describeTraining(PROBE_TASK));
    const lowered = await lower(captured);
    expect(lowered.inputs).toEqual(captured.inputs);
    expect(lowered.outputs.map(({ name, id }) => [name, lowered.values[id]])).toEqual(
      captured.outputs.map(({ name, id }) => [name, captured.values[id]]),
    );
  });
});
