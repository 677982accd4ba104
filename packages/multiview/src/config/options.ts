/**
 * The options of the multi-view task, `task.options` of a configuration: the model, what happens to its images, and attacks that it
 * is trained on.
 */
import { TrainingError, type RunConfig, type TrainingConfig } from '@facet/shared';
import { z } from 'zod';
import { adversarialSchema, NO_ADVERSARY } from './adversarial-schema.js';
import { augmentationSchema } from './augmentation-schema.js';
import { modelSchema } from './model-schema.js';

export const MULTI_VIEW_NAME = 'multiview';

export const multiViewOptionsSchema = z.strictObject({
  model: modelSchema.describe('The multi-view model.'),
  augmentation: augmentationSchema.describe('What happens to a training image before the model sees it.'),
  // For models that were trained before this section existed.
  adversarial: adversarialSchema.default(NO_ADVERSARY).describe('Training on attacked samples; eps 0 turns it off.'),
});

export type MultiViewOptions = z.infer<typeof multiViewOptionsSchema>;

/** A configuration of the multi-view task. */
export type MultiView<Config extends TrainingConfig = RunConfig> = Config & {
  readonly dataset: NonNullable<TrainingConfig['dataset']>;
  readonly task: { readonly name: typeof MULTI_VIEW_NAME; readonly options: MultiViewOptions };
};

/** True for a configuration of the multi-view task. Its options are as they were stored; see {@link requireMultiView}. */
export function isMultiView({ task, dataset }: Pick<TrainingConfig, 'task' | 'dataset'>): boolean {
  return task.module === undefined && task.name === MULTI_VIEW_NAME && dataset !== undefined;
}

/**
 * The configuration with every option of the task. One that was stored before an option existed gets what it meant then.
 *
 * @param what needs the multi-view model: `facet robustness`
 * @throws TrainingError CONFIG_INVALID for a configuration of another task, or for options that are wrong, naming each.
 */
export function requireMultiView<Config extends TrainingConfig>(config: Config, what: string): MultiView<Config> {
  const { task, dataset, preset } = config;
  if (!isMultiView(config) || dataset === undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `${what} is for the multi-view model, but this run trains the task ${preset}${task.module === undefined ? '' : ` (${task.module})`}`,
    );
  }
  const parsed = multiViewOptionsSchema.safeParse(task.options);
  if (parsed.success) return { ...config, dataset, task: { name: MULTI_VIEW_NAME, options: parsed.data } };
  const keys = parsed.error.issues.map(({ path, message }) => `task.options.${path.join('.')}: ${message}`);
  throw new TrainingError('CONFIG_INVALID', keys.join('; '));
}
