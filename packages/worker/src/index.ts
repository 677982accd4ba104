export { runWorker, type WorkerOptions, type WorkerOutcome } from './worker.js';
export { evaluateWeights, type EvaluateOptions, type Evaluation } from './evaluate-weights.js';
export { chooseEngine, type EngineChoice } from './engine/choose-engine.js';
export { ENGINES, formatEngine, isSameEngine, type EngineId } from './engine/engine-id.js';
export { findGpuEvidence } from './engine/gpu-evidence.js';
export { probeEngineApart } from './engine/probe-apart.js';
export type { EngineProbe, TimedProgram } from './engine/probe.js';
export { describePrograms, type ProgramDescription, type ProgramsDescription } from './engine/describe-programs.js';
export type { Device } from './engine/engine-id.js';
export {
  installTensorflow,
  type Installation,
  type InstallOptions,
  type InstallRecord,
} from './engine/tfjs/install/install-tensorflow.js';
