export { runWorker, type WorkerOptions, type WorkerOutcome } from './worker.js';
export { evaluateWeights, type AugmentedScores, type EvaluateOptions, type Evaluation } from './evaluate-weights.js';
export type { Calibration, ReliabilityBin } from './evaluation/calibration.js';
export type { Mistake } from './evaluation/mistakes.js';
export type { Scores } from './evaluation/scores.js';
export { probeEngines, type EngineProbe } from './engine/probe.js';
export { describePrograms, type ProgramDescription, type ProgramsDescription } from './engine/describe-programs.js';
export type { Device } from './engine/engine-id.js';
export type { ClassifierPlace, TrainedModel } from './evaluation/classifier.js';
export { predictImages, type Guess, type PredictOptions, type Prediction } from './prediction/predict-images.js';
export type { ExportCheck } from './export/check-export.js';
export {
  EXPORT_FORMATS,
  exportModel,
  type Export,
  type ExportFormat,
  type ExportOptions,
  type ModelOrigin,
} from './export/export-model.js';
