/**
 * What a training task is made of: parameters on one flat buffer, the sum of a step's gradients, optimizers and schedules.
 */
export { bindReference } from './bind-reference.js';
export {
  type Gradient,
  type GradientSum,
  type SumLayout,
  createGradientSum,
  gradientSumLength,
} from './gradient-sum.js';
export { applyUpdate } from './optimizer/apply-update.js';
export { learningRate } from './optimizer/learning-rate.js';
export { decayAt, updateAverage } from './optimizer/weight-average.js';
export {
  type Initialiser,
  type ParameterLayout,
  type ParameterSpec,
  initialWeights,
  layoutParameters,
} from './parameters.js';
export { openRunData, type RunData } from './run-data.js';
export {
  type Adversary,
  type Answer,
  type AttackedBatch,
  type BatchIdentity,
  type BatchTensors,
  type InputGradient,
  type SampleLosses,
  type Task,
  type TaskInput,
  type TaskReference,
  type TaskSamples,
  type Tensors,
} from './task.js';
export { bindTask, type TaskBinding } from './define/bind-task.js';
export {
  defineTask,
  isTaskDefinition,
  LOSS_NAMES,
  type LossContext,
  type LossName,
  type ModelContext,
  type PerSample,
  type SampleTensors,
  type TaskData,
  type TaskDefinition,
  type TaskModel,
  type TrainingDefaults,
} from './define/define-task.js';
export { fromLayers, type FromLayersOptions } from './define/from-layers.js';
export { hashSource, loadTask, type LoadedTask } from './define/load-task.js';
export { constant, normal, ones, weights, zeros, type ParameterStart } from './define/parameter-starts.js';
export { openUserTask, type UserTask } from './define/user-task.js';
export { scoreLogits } from './score-logits.js';
/** The copy of TensorFlow.js that capture knows; another copy in a task's module would compute beside it. */
export * as tf from '@tensorflow/tfjs';
