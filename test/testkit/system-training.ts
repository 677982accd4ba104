/** The training half of a configuration for tests of the system, which knows tasks by their name alone. */
import { TASK_TRAINING, type TrainingConfig } from '@facet/shared';

export const SYSTEM_TRAINING = {
  ...TASK_TRAINING,
  dataset: 'mnist',
  preset: 'mnist-fast',
  task: { name: 'multiview', options: {} },
  optimizer: { ...TASK_TRAINING.optimizer, peakLearningRate: 6e-3, weightDecay: 0.05, labelSmoothing: 0.05 },
} as const satisfies TrainingConfig;
