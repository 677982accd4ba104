/** The configuration that stands in a checkpoint or a trained model. */
import type { TrainedWeights } from '@facet/storage';
import { configSchema, fromFirstForm, OPERATION_DEFAULTS, TrainingError, type RunConfig } from '@facet/shared';
import { isMultiView, requireMultiView, type MultiView } from '@facet/multiview/config';

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
  const stored = fromFirstForm({ ...OPERATION_DEFAULTS, run: info.run, ...(info.config as object) });
  const parsed = configSchema.safeParse(stored);
  if (parsed.success) return isMultiView(parsed.data) ? withOptions(parsed.data, folder) : parsed.data;
  const keys = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'config'}: ${issue.message}`).join('; ');
  throw new TrainingError('CHECKPOINT_INCOMPATIBLE', `the configuration in ${folder} is not of this version: ${keys}`);
}

/** The options that an earlier version did not know are as they were then. */
function withOptions(config: RunConfig, folder: string): RunConfig {
  try {
    return requireMultiView(config, 'this model');
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    const fault = `the configuration in ${folder} is not of this version: ${message}`;
    throw new TrainingError('CHECKPOINT_INCOMPATIBLE', fault, { cause: caught });
  }
}
