/**
 * The multi-view attention model: our task, its augmentation, its attacks, and corruptions of its images. It is a guest of the
 * system, as a user's task is: it knows no engine, no file and no dataset.
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
export { CORRUPTIONS } from './corruptions/corruption-sets.js';
export { SEVERITIES, corrupt } from './corruptions/corruption.js';
export { interleavedBytes } from './data/image-bytes.js';
export { allocateMicroBatch, fillMicroBatch } from './data/micro-batch.js';
export { ATTACK_LOSSES, type AttackLoss, attackLosses } from './model/attack-losses.js';
export { type MultiViewShape, multiViewShape, multiViewTask } from './task/multi-view-task.js';
export { createModel, type Model } from './model/multi-view-transformer.js';
export { pixelsPerToken } from './model/stem-grid.js';
export { VIEWS, type View } from './model/views.js';
