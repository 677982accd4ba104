/**
 * What users import: how to say what is trained, on what, the operations that capture knows in one piece, how to train, and how
 * to use what was trained.
 */
export {
  constant,
  defineTask,
  dropout,
  fromLayers,
  normal,
  normalNoise,
  ones,
  tf,
  weights,
  zeros,
  type AttackedSamples,
  type FromLayersOptions,
  type LossContext,
  type LossName,
  type ModelContext,
  type ParameterStart,
  type PerSample,
  type SampleTensors,
  type TaskAdversary,
  type TaskData,
  type TaskDefinition,
  type TaskModel,
  type Tensors,
  type TrainingDefaults,
} from '@facet/task';
export {
  arrays,
  csv,
  imageFolder,
  own,
  text,
  type ArraysOptions,
  type CsvOptions,
  type DataContext,
  type ImageFolderOptions,
  type OwnOptions,
  type SampleIds,
  type SampleSource,
  type SourceOpener,
  type SplitName,
  type TextOptions,
} from '@facet/datasets';
export {
  attention,
  attentionProbabilities,
  crossEntropy,
  gelu,
  layerNorm,
  linear,
  softmax,
  tokenShift,
  unfold,
} from '@facet/compiler';
export type { FieldType, FieldValues, RandomStream, SampleField, SampleFields } from '@facet/shared';
export { loadModel, type LoadModelOptions, type Model, type ModelAnswer, type ModelSample } from './api/load-model.js';
export { train, type Training, type TrainOptions } from './api/train.js';
export type { TrainingEvent } from './api/ledger-events.js';
export type { RunResult } from '@facet/coordinator';
