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
export { stepName } from './checkpoint/checkpoint-names.js';
export { weightsSha256 } from './checkpoint/sha256.js';
export { formatModelRunFile } from './checkpoint/trained-model-file.js';
export { fateOf, ownIdentity } from './folder/process-identity.js';
export { isLockedHere, lockRun, moveRun, removeRun, takeOverRun, type RunLock } from './folder/run-lock.js';
export { CHECKPOINTS_FOLDER, CONFIG_FILE, KEY_FILE, LEDGER_FILE, RESULT_FILE, START_FOLDER } from './run-files.js';
export {
  contentOf,
  readText,
  type Content,
  type LedgerClaim,
  type LedgerShelf,
  type ObjectShelf,
  type RunStore,
  type Store,
  type StoredObject,
} from './store/run-store.js';
export { retriedRun, type RetryPolicy } from './store/retried-store.js';
export { isStorePlace, openRunStore, openStore, parseRunPlace, STORE_SHAPES, type PlacedRun } from './registry.js';
export { runNames, type RunNames } from './nats/nats-names.js';
export { FolderStore, folderRun } from './folder/folder-store.js';
export { memoryRun, MemoryRun, type FaultScript } from './memory/memory-store.js';
export { attachRun, hasStoredLedger, pullRun, storeDocuments, type AttachedRun } from './run/attached-run.js';
export { CheckpointUploader, shelfOf } from './run/checkpoint-uploader.js';
export { copyRun, type CopiedRun } from './run/copy-run.js';
export * as storeErrors from './store/store-errors.js';
