/** Models of the examples with the weights that a run starts with. */
import { NAMED_TASKS } from '../src/tasks/named-tasks.js';
import { OPERATION_DEFAULTS, resolveConfig, type SampleFacts } from '@facet/shared';
import { initialWeights, layoutParameters } from '@facet/task';
import { exampleFile } from '../../../test/testkit/own-task.js';
import type { StoredModel } from '../src/models/loaded-model.js';
import { openTask } from '../src/tasks/open-task.js';

/** Samples of the example layers-cnn. */
export const SHAPES: SampleFacts = {
  fields: { image: { shape: [32, 32, 3], type: 'uint8' }, label: { shape: [], type: 'int32' } },
  classes: ['circle', 'square', 'star', 'triangle'],
};

/** Samples of the example regression. */
export const THROWS: SampleFacts = {
  fields: { features: { shape: [4], type: 'float32' }, label: { shape: [], type: 'float32' } },
  classes: [],
  table: { columns: ['speed', 'angle', 'mass', 'diameter'], hasHeader: true, separator: ',' },
};

/** A model of an example, untrained. */
export async function untrained(example: string, samples: SampleFacts): Promise<StoredModel> {
  const resolved = resolveConfig({
    tasks: NAMED_TASKS,
    environment: {},
    flags: { ...OPERATION_DEFAULTS, run: 'demo', task: { module: exampleFile(example, 'task.mjs') } },
  });
  if (!resolved.ok) throw new Error(resolved.problems.join());
  const config = { ...resolved.config, batch: { global: 4, micro: 4 } };
  const layout = layoutParameters((await openTask(config, samples)).parameters);
  return { config, samples, weights: initialWeights(layout, 5), layout: layout.slots };
}
