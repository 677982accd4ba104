/** The configuration that stands in a checkpoint or a trained model. */
import type { TrainedWeights } from '@facet/storage';
import {
  configSchema,
  OPERATION_DEFAULTS,
  requireMultiView,
  TrainingError,
  type MultiView,
  type RunConfig,
} from '@facet/shared';

/**
 * The configuration that weights of the multi-view model were trained with.
 *
 * @throws TrainingError as `storedConfigOf`; CONFIG_INVALID when it is of another task.
 */
export function configOf(trained: TrainedWeights): MultiView {
  return requireMultiView(storedConfigOf(trained), 'this command');
}

/**
 * The configuration that weights were trained with. A trained model keeps only what decided the arithmetic; where and how it
 * runs is then as nobody says otherwise.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when it is not of this version, naming the keys.
 */
export function storedConfigOf({ info, path: folder }: TrainedWeights): RunConfig {
  const parsed = configSchema.safeParse({ ...OPERATION_DEFAULTS, run: info.run, ...(info.config as object) });
  if (parsed.success) return parsed.data;
  const keys = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`).join('; ');
  throw new TrainingError('CHECKPOINT_INCOMPATIBLE', `the configuration in ${folder} is not of this version: ${keys}`);
}
