/** How far a run has come that a scheduler starts again, without knowing whether it has begun. */
import { readLedgerFile, type LedgerRecord } from '@facet/shared';
import { holdsRun, type RunPaths } from './run-folders.js';

/** `stopped`: by a person, who decides whether it goes on. */
export type RunProgress = 'none' | 'begun' | 'stopped';

/** Reads the ledger of a run's folder. One that cannot be read has begun, and the coordinator says what is wrong with it. */
export async function progressOf(paths: RunPaths): Promise<RunProgress> {
  if (!holdsRun(paths.folder)) return 'none';
  let last: LedgerRecord | undefined;
  const note = (record: LedgerRecord): void => {
    last = record;
  };
  await readLedgerFile(paths.ledger, note).catch(() => undefined);
  return last?.kind === 'end' && last.reason === 'stopped' ? 'stopped' : 'begun';
}
