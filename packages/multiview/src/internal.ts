/**
 * What tests use of this package beyond its public interface.
 */
export { ATTACK_NAMES } from './attacks/attack-plan.js';
export { drawAuxiliary } from './data/auxiliary-draws.js';
export type { MicroBatchTensors } from './data/micro-batch.js';
export { viewPatches } from './model/resample.js';
