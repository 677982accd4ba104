export { runWorker, type WorkerOptions } from './worker.js';
export type { WorkerOutcome } from './membership.js';
export { evaluateWeights, type AugmentedScores, type EvaluateOptions, type Evaluation } from './evaluate-weights.js';
export type { Calibration, ReliabilityBin } from './evaluation/calibration.js';
export type { ClassifierPlace, TrainedModel } from './evaluation/classifier.js';
export type { Mistake } from './evaluation/mistakes.js';
export type { Scores } from './evaluation/scores.js';
export {
  inspectModel,
  requireComparable,
  type ComparedModel,
  type InspectOptions,
  type ModelInspection,
} from './inspection/inspect-model.js';
export type { CorrespondenceScore, InspectedSample, InspectionReport } from './inspection/report.js';
export { predictImages, type Guess, type PredictOptions, type Prediction } from './prediction/predict-images.js';
export type { ExportCheck } from './export/check-export.js';
export { EXPORT_FORMATS, type ExportFormat, type ModelOrigin } from './export/export-format.js';
export { exportModel, type Export, type ExportOptions } from './export/export-model.js';
export { chooseEngine, type EngineChoice } from './engine/choose-engine.js';
export { ENGINES, formatEngine, isSameEngine, type EngineId } from './engine/engine-id.js';
export { requireInstalled } from './engine/tfjs/binding-folder.js';
export { findGpuEvidence } from './engine/gpu-evidence.js';
export { probeEngineApart } from './engine/probe-apart.js';
export type { EngineProbe, TimedProgram } from './engine/probe.js';
export { checkTask } from './check-task.js';
export { openTask } from './open-task.js';
export { multiViewShape, multiViewTask } from './model/multi-view-task.js';
export { describePrograms, type ProgramDescription, type ProgramsDescription } from './engine/describe-programs.js';
export type { Device } from './engine/engine-id.js';
export {
  installTensorflow,
  type Installation,
  type InstallOptions,
  type InstallRecord,
} from './engine/tfjs/install/install-tensorflow.js';
export {
  evaluateRobustness,
  type RobustnessOptions,
  type RobustnessProgress,
} from './robustness/evaluate-robustness.js';
export type { AttackedExample, AttackedExamples } from './robustness/attacked-examples.js';
export { corruptionNames, type CorruptionChoice } from './robustness/evaluate-corruptions.js';
export { ATTACK_NAMES, type AttackChoice, type AttackName } from './robustness/attack-plan.js';
export type {
  AttackMethod,
  AttackReport,
  CorruptionsReport,
  EpsCurve,
  RobustnessReport,
  SanityCheck,
} from './robustness/report.js';
