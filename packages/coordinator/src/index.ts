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
  type Checkpoint,
  type SkippedCheckpoint,
} from './checkpoint/read-checkpoint.js';
