/**
 * The multi-view attention model: our task, its augmentation, its attacks, corruptions of its images, and what it looks at.
 */
export {
  type AttackChoice,
  type AttackName,
  type PlannedAttack,
  defaultEps,
  planAttacks,
  stepSizeFor,
  type AttackMethod,
  ATTACK_NAMES,
} from './attacks/attack-plan.js';
export { type GradientReading, type Oracle, answerOf } from './attacks/oracle.js';
export { attackByGradient } from './attacks/pgd.js';
export { attackBySquares } from './attacks/square.js';
export { type AttackProgress, type AttackResult, type AttackSamples, rowOf } from './attacks/standing.js';
export {
  type Classifier,
  type ClassifierPlace,
  type TrainedModel,
  openClassifier,
  programShape,
} from './classifier.js';
export { CORRUPTIONS } from './corruptions/corruption-sets.js';
export { SEVERITIES, corrupt } from './corruptions/corruption.js';
export { interleavedBytes } from './data/image-bytes.js';
export { allocateMicroBatch, fillMicroBatch } from './data/micro-batch.js';
export {
  type ComparedModel,
  type ModelInspection,
  inspectModel,
  requireComparable,
} from './inspection/inspect-model.js';
export type { CorrespondenceScore, InspectedSample, InspectionReport } from './inspection/report.js';
export { ATTACK_LOSSES, type AttackLoss } from './model/attack-losses.js';
export { type MultiViewShape, multiViewShape, multiViewTask } from './task/multi-view-task.js';

export { type Guess, type Prediction, predictImages } from './prediction/predict-images.js';
export { argMax, softmaxRows } from './probabilities.js';
export { captureAttackProgram } from './programs/attack-program.js';
export { evaluatedIds, sizesOf, sourceOf } from './data/evaluated-ids.js';
export { wholeImages } from './data/whole-images.js';
