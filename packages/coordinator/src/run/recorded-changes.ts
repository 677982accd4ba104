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
import { earlyStop, type EarlyStop, type StopConfig } from '../evaluation/early-stop.js';
import type { EarlierRun } from './earlier-run.js';
import type { EndablePlan } from './endable-plan.js';

/**
 * The changes that this coordinator has to record.
 *
 * @throws TrainingError CONFIG_INVALID when the configuration lacks a change of the ledger, or changes what is committed.
 */
function newChanges(
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

/** How a run stands that a coordinator goes on with. */
export interface Resumption {
  /** To be recorded before any worker can join. */
  readonly changes: readonly RunChange[];
  /** The early end, if it is decided now. */
  readonly end: EarlyStop | undefined;
}

/**
 * What a coordinator has to record as it starts; the plan then knows of an early end. The coordinator before it may have recorded one
 * after this one, a standby, was configured, or may have had no time to decide.
 *
 * @throws TrainingError as newChanges
 */
export function takeUpChanges(
  config: StopConfig,
  plan: EndablePlan,
  earlier: Pick<EarlierRun, 'changes' | 'committed' | 'history'>,
): Resumption {
  const { changes: recorded, committed, history } = earlier;
  const last = recorded.length > config.changes.length ? recorded.at(-1) : undefined;
  if (last?.reason !== undefined && last.epochs !== undefined) {
    const changes = newChanges(config, { changes: recorded.slice(0, -1), committed });
    const { kind: _kind, at: _at, ...end } = last;
    plan.endEarly({ ...end, epochs: last.epochs, reason: last.reason });
    return { changes, end: undefined };
  }
  const changes = newChanges(config, earlier);
  const end = earlyStop(config, plan, { evaluations: history.evaluations, committedStep: committed.length });
  if (end === undefined) return { changes, end };
  plan.endEarly(end);
  return { changes: [...changes, end], end };
}

/** As the ledger keeps it. */
export function changeRecord(change: RunChange, at: string): LedgerRecord {
  return { kind: 'change', ...change, at };
}

function isSame({ kind: _kind, at: _at, ...recorded }: ChangeRecord, change: RunChange | undefined): boolean {
  return change !== undefined && canonicalJson(recorded) === canonicalJson(change);
}
