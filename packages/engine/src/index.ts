/**
 * Runs the programs of tasks: onnxruntime and TensorFlow.js, on any device; which of them works here, which is right, and which is
 * fastest.
 */
export { judgeAnswers, type Judgement } from './judge-answers.js';
export { type EngineChoice, chooseEngine } from './choose-engine.js';
export { type Compute, type EvaluationSlot, type TrainingSlot, createCompute, sumLayoutOf } from './compute.js';
export { type ProgramDescription, type ProgramsDescription, describePrograms } from './describe-programs.js';
export { type EngineHost, hostEngine } from './engine-host.js';
export { type Device, type EngineId, formatEngine, requireAttacker, ENGINES, isSameEngine } from './engine-id.js';
export type { BindingPlan, BufferSlice } from './engine-protocol.js';
export { mendGradients } from './mended-gradients.js';
export {
  captureEvaluationProgram,
  captureTrainingProgram,
  compileProgram,
  metricOutput,
  parameterInputs,
} from './micro-batch-program.js';
export { createOrtSession } from './onnxruntime/ort-session.js';
export { openThreadLink } from './onnxruntime/thread-link.js';
export { type OpenedEngine, openEngine } from './open-engine.js';
export type { EngineProbe, TimedProgram } from './probe.js';
export { type Installation, installTensorflow } from './tfjs/install/install-tensorflow.js';
export { findGpuEvidence } from './gpu-evidence.js';
export { probeEngineApart } from './probe-apart.js';
export { requireInstalled } from './tfjs/binding-folder.js';
