/**
 * What the benches use of a worker's engine: the compiler, the engine itself, and the programs of a run. It stands apart
 * from internal.ts because it loads tfjs and onnxruntime. Whoever needs no engine need not wait for them.
 */
export { captureProgram } from './compiler/capture/capture.js';
export { lower } from './compiler/capture/lower.js';
export {
  encodeOnnxModel,
  ONNX_ATTRIBUTE,
  ONNX_TYPE,
  type OnnxNode,
  type OnnxTensor,
} from './compiler/onnx/onnx-schema.js';
export { attention, crossEntropySum, gelu, layerNorm, linear } from './compiler/ops/ops.js';
export { optimise } from './compiler/passes/optimise.js';
export { createProgramBuilder } from './compiler/program/program-builder.js';
export { programCost } from './compiler/program/program-cost.js';
export { elementCount, type NamedValue, type Program } from './compiler/program/program.js';
export { createCompute } from './engine/compute.js';
export { hostEngine } from './engine/engine-host.js';
export type { BufferSlice } from './engine/engine-protocol.js';
export {
  captureTrainingProgram,
  describeTraining,
  microBatchShape,
  type MicroBatchShape,
} from './engine/micro-batch-program.js';
export { createOrtSession } from './engine/onnxruntime/ort-session.js';
export { openThreadLink } from './engine/onnxruntime/thread-link.js';
