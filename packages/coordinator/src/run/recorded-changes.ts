/**
 * What a resume changes stands in the ledger before any worker can join. The ledger has the last word: a configuration must have
 * every change that the ledger has, and what it has beyond them must be of steps that are not committed yet.
 */
import {
  canonicalJson,
  TrainingError,
  type ChangeRecord,
  type LedgerRecord,
  type RunChange,
  type RunConfig,
} from '@facet/shared';
import type { EarlierRun } from './earlier-run.js';

/**
 * The changes that this coordinator has to record.
 *
 * @throws TrainingError CONFIG_INVALID when the configuration lacks a change of the ledger, or changes what is committed.
 */
export function newChanges(
  { changes }: Pick<RunConfig, 'changes'>,
  { changes: recorded, committed }: Pick<EarlierRun, 'changes' | 'committed'>,
): readonly RunChange[] {
  const differing = recorded.findIndex((record, index) => !isSame(record, changes[index]));
  if (differing >= 0) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `the ledger says that from step ${recorded[differing]!.afterStep + 1} on other values hold, which this configuration does not have; go on with \`facet resume\`, which reads them`,
    );
  }
  const added = changes.slice(recorded.length);
  const early = added.find(({ afterStep }) => afterStep < committed.length);
  if (early === undefined) return added;
  throw new TrainingError(
    'CONFIG_INVALID',
    `a change holds from step ${early.afterStep + 1} on, but step ${committed.length} is committed; a change can hold for steps to come only`,
  );
}

/** As the ledger keeps it. */
export function changeRecord(change: RunChange, at: string): LedgerRecord {
  return { kind: 'change', ...change, at };
}

function isSame({ kind: _kind, at: _at, ...recorded }: ChangeRecord, change: RunChange | undefined): boolean {
  return change !== undefined && canonicalJson(recorded) === canonicalJson(change);
}
