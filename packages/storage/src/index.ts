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
  type SkippedCheckpoint,
  type TrainedWeights,
} from './checkpoint/read-checkpoint.js';
export { weightsSha256 } from './checkpoint/sha256.js';
export { formatModelRunFile } from './checkpoint/trained-model-file.js';
export { isProcessAlive, ownIdentity } from './folder/process-identity.js';
export { isLockedHere, lockRun, moveRun, removeRun, takeOverRun, type RunLock } from './folder/run-lock.js';
export { CHECKPOINTS_FOLDER, CONFIG_FILE, KEY_FILE, LEDGER_FILE, RESULT_FILE, START_FOLDER } from './run-files.js';
