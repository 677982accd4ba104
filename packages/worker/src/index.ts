export { runWorker, type WorkerOptions, type WorkerOutcome } from './worker.js';
export { evaluateWeights, type EvaluateOptions, type Evaluation } from './evaluate-weights.js';
export { probeEngines, type EngineProbe } from './engine/probe.js';
export { describePrograms, type ProgramDescription, type ProgramsDescription } from './engine/describe-programs.js';
export type { Device } from './engine/engine-id.js';
export {
  evaluateRobustness,
  type RobustnessOptions,
  type RobustnessProgress,
} from './robustness/evaluate-robustness.js';
export { corruptionNames, type CorruptionChoice } from './robustness/evaluate-corruptions.js';
export { ATTACK_NAMES, type AttackChoice, type AttackName } from './robustness/attack-plan.js';
export { NORMS, type Norm } from './robustness/attacks/threat.js';
export type {
  AttackMethod,
  AttackReport,
  CorruptionsReport,
  EpsCurve,
  RobustnessReport,
  SanityCheck,
} from './robustness/report.js';
