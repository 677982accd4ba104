/**
 * What tests use of this package beyond its public interface.
 */
export { createCompute } from './compute.js';
export { describeTraining } from './micro-batch-program.js';
export { computeReference, deviationFrom } from './reference.js';
