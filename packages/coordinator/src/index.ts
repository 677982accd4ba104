export { openLedger, type LedgerFile, type OpenLedgerOptions } from './ledger/ledger-file.js';
export {
  pruneCheckpoints,
  writeCheckpoint,
  type PruneCheckpointsOptions,
  type WriteCheckpointOptions,
  type WrittenCheckpoint,
} from './checkpoint/checkpoint-store.js';
export {
  newestSoundCheckpoint,
  readCheckpoint,
  readTrainedWeights,
  trainedWeights,
  type Checkpoint,
  type TrainedWeights,
  type SkippedCheckpoint,
} from './checkpoint/read-checkpoint.js';
export { weightsSha256 } from './checkpoint/sha256.js';
export { formatModelRunFile } from './checkpoint/trained-model-file.js';
export { startCandidate, type Candidate, type CandidateOptions } from './leadership/candidate.js';
export { START_FOLDER } from './run/run-folder.js';
export type { RunResult, StoredResult } from './run/result.js';
export { lockRun, moveRun, removeRun } from './run/run-lock.js';
