/**
 * What the files of a run are called. They have these names in its folder, and below its place in every other store.
 */
export const LEDGER_FILE = 'ledger.jsonl';
export const CONFIG_FILE = 'config.json';
export const RESULT_FILE = 'result.json';
export const KEY_FILE = 'run.key';
/** Holds the checkpoints. */
export const CHECKPOINTS_FOLDER = 'checkpoints';
/** Holds the state before the first step, where it does not come from the seed. */
export const START_FOLDER = 'start';
