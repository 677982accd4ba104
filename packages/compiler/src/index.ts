/**
 * Turns a function written with TensorFlow.js into a program, and a program into an ONNX file. It knows no engine, no model
 * and no data.
 */
export { type CaptureOptions, type ProgramInput, captureProgram } from './capture/capture.js';
export { lower } from './capture/lower.js';
export { CAPTURED_LAYERS, REFUSED_LAYERS } from './layers/layer-support.js';
export type { Noise } from './layers/layer-noise.js';
export { type LayerWeight, applyLayers, layerNoise, layerWeights } from './layers/layers-model.js';
export { inputName, outputName, writeOnnx } from './onnx/onnx-writer.js';
export {
  type AttentionInputs,
  attention,
  attentionProbabilities,
  crossEntropy,
  gelu,
  layerNorm,
  linear,
  softmax,
} from './ops/ops.js';
export { registerLayerGradients } from './ops/layer-gradients.js';
export { optimise } from './passes/optimise.js';
export type { NumbersByName } from './program/interpret.js';
export { programLines } from './program/print-program.js';
export { createProgramBuilder } from './program/program-builder.js';
export { type ProgramCost, programCost } from './program/program-cost.js';
export {
  type Constant,
  type DType,
  type NamedValue,
  type Op,
  type OpKind,
  type Program,
  type ProgramNode,
  type ValueId,
  type ValueType,
  countOps,
  elementCount,
} from './program/program.js';
export { type Window, tokenShift, unfold } from './ops/spatial-ops.js';
