/**
 * What a training task is made of: parameters on one flat buffer, the sum of a step's gradients, optimizers and schedules.
 */
export { type Gradient, type GradientSum, createGradientSum, gradientSumLength } from './gradient-sum.js';
export { applyUpdate } from './optimizer/apply-update.js';
export { learningRate } from './optimizer/learning-rate.js';
export { decayAt, updateAverage } from './optimizer/weight-average.js';
export {
  type Initialiser,
  type ParameterLayout,
  type ParameterSpec,
  initialWeights,
  layoutParameters,
} from './parameters.js';
