/**
 * What tests use of this package beyond its public interface.
 */
export { corruptionNames } from './robustness/evaluate-corruptions.js';
export { trialsOf } from './study/study-plan.js';
