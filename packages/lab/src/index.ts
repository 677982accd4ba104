/**
 * What is done with tasks and trained models: opening and checking a task, evaluation, robustness, export, what the arms of a
 * study cost.
 */
export { evaluateTask, type EvaluateTaskOptions, type TaskEvaluation } from './evaluation/evaluate-task.js';
export type { ReliabilityBin } from './evaluation/calibration.js';
export { type Evaluation, evaluateWeights } from './evaluation/evaluate-weights.js';

export type { Mistake } from './evaluation/mistakes.js';
export type { Scores } from './evaluation/scores.js';

export { type ExportFormat, EXPORT_FORMATS } from './export/export-format.js';
export type { ExportPlan } from './export/export-files.js';
export { type Export, exportModel } from './export/export-model.js';
export type { AttackedExamples } from './robustness/attacked-examples.js';
export { type CorruptionChoice, corruptionNames } from './robustness/evaluate-corruptions.js';
export type { AttackReport, RobustnessReport, SanityCheck } from './robustness/report.js';
export { checkTask } from './tasks/check-task.js';
export { evaluateRobustness } from './robustness/evaluate-robustness.js';
export { openTask } from './tasks/open-task.js';
export { startWeights, type StartWeights } from './tasks/start-weights.js';
export { armCosts } from './study/arm-cost.js';
export { exportTask, type TaskExportOptions } from './export/export-task.js';
export { answersBySample, type SampleAnswer } from './models/answers.js';
export { openModel, type LoadedModel, type StoredModel } from './models/loaded-model.js';
export { imageOf, predictImageFiles, predictTable, readImage, type FileAnswer } from './models/predict-files.js';
export { requireComparable } from './inspection/inspect-model.js';
export type { InspectionReport } from './inspection/report.js';
export { type Guess, type Prediction, predictImages } from './prediction/predict-images.js';
