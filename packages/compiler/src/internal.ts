/** What tests and benches use of the compiler beyond its public interface. */
export { captureKernels } from './capture/capture-kernels.js';
export { ONNX_ATTRIBUTE, ONNX_TYPE, type OnnxNode, type OnnxTensor, encodeOnnxModel } from './onnx/onnx-schema.js';
export { COARSE_OPS, type CoarseKind, coarseKernelName } from './ops/coarse-ops.js';
export { interpretProgram } from './program/interpret.js';
