/**
 * What a training task is made of: parameters on one flat buffer, the sum of a step's gradients, optimizers and schedules.
 */
export { bindReference } from './modules/bind-reference.js';
export {
  type Gradient,
  type GradientSum,
  type SumLayout,
  createGradientSum,
  gradientSumLength,
} from './arithmetic/gradient-sum.js';
export { applyUpdate, gradientNorm } from './optimizer/apply-update.js';
export { learningRate } from './optimizer/learning-rate.js';
export { trainedParameters } from './optimizer/frozen-parameters.js';
export { decayAt, updateAverage, updateAverageOf } from './optimizer/weight-average.js';
export {
  type Initialiser,
  type ParameterLayout,
  type ParameterSpec,
  initialWeights,
  layoutParameters,
} from './arithmetic/parameters.js';
export type {
  Adversary,
  Answer,
  AttackedBatch,
  BatchIdentity,
  BatchTensors,
  InputGradient,
  SampleLosses,
  Task,
  TaskInput,
  TaskReference,
  TaskSamples,
  Tensors,
} from './task.js';
export { requireSameLayout } from './arithmetic/same-layout.js';
export { bindTask, type TaskBinding } from './define/bind-task.js';
export {
  type AttackedSamples,
  defineTask,
  isTaskDefinition,
  LOSS_NAMES,
  type LossContext,
  type LossName,
  type ModelContext,
  type PerSample,
  type SampleTensors,
  type TaskAdversary,
  type TaskData,
  type TaskDefinition,
  type TaskModel,
  type TrainingDefaults,
} from './define/define-task.js';
export { fromLayers, type FromLayersOptions } from './layers/from-layers.js';
export { constant, normal, ones, weights, zeros, type ParameterStart } from './define/parameter-starts.js';
export { dropout, normalNoise } from './define/noise.js';
export { openUserTask, type UserTask } from './modules/user-task.js';
export { scoreLogits } from './arithmetic/score-logits.js';
/** The copy of TensorFlow.js that capture uses. Another copy in a process shares its engine, and warns about every kernel. */
export * as tf from '@tensorflow/tfjs';
export { fillTensors } from './fill-tensors.js';
