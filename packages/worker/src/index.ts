export { runWorker, type WorkerOptions, type WorkerOutcome } from './worker.js';
export { evaluateWeights, type EvaluateOptions, type Evaluation } from './evaluate-weights.js';
export { probeEngines, type EngineProbe } from './engine/probe.js';
export { describePrograms, type ProgramDescription, type ProgramsDescription } from './engine/describe-programs.js';
export type { Device } from './engine/engine-id.js';
export {
  installTensorflow,
  type Installation,
  type InstallOptions,
  type InstallRecord,
} from './engine/tfjs/install/install-tensorflow.js';
