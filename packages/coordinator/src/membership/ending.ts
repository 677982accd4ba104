/**
 * The end of a run: take the most advanced state as the final checkpoint, then stop all workers. If the donor dies meanwhile,
 * the worker with the next best state replaces it. A run without its final checkpoint is not finished.
 */
import type { ErrorCode } from '@facet/shared';
import { change, type Draft } from './draft.js';
import { mostAdvanced } from './start-state.js';
import type { Ending } from './state.js';

/** Ends at once, because the workers hold no state that is worth keeping. */
export function end(draft: Draft, ending: Ending): void {
  draft.phase = { kind: 'ended', ending };
  draft.commands.push({ kind: 'end', ending });
}

/** Ends as failed, without a final checkpoint. */
export function fail(draft: Draft, code: ErrorCode, message: string): void {
  end(draft, { outcome: 'failed', code, message });
}

/**
 * Takes the final checkpoint from whoever holds the most advanced state; ends at once when no worker holds more than the
 * newest checkpoint does.
 *
 * @returns 'no-state' when a finished run's last state is nowhere: the caller must go on training.
 */
export function beginStopping(draft: Draft, ending: Ending): 'stopping' | 'no-state' {
  const holders = [...draft.workers.values()].sort((a, b) => a.joinOrder - b.joinOrder);
  const donor = mostAdvanced(holders);
  const checkpointStep = draft.checkpoint?.step ?? -1;
  if (donor !== undefined && donor.held.step > checkpointStep) {
    const { workerId, held } = donor;
    draft.phase = { kind: 'stopping', ending, donor: workerId, deadlineMs: draft.nowMs + draft.policy.gatherMs };
    draft.commands.push({ kind: 'take-checkpoint', workerId, held });
    return 'stopping';
  }
  if (ending.outcome === 'finished' && checkpointStep < draft.policy.plan.totalSteps) return 'no-state';
  end(draft, ending);
  return 'stopping';
}

/** The donor could not give its state. Tries the next one, and reports it if there is none. */
export function replaceDonor(draft: Draft, ending: Ending, donor: string, failure: string): void {
  change(draft, donor, { held: undefined });
  if (beginStopping(draft, ending) === 'stopping') {
    if (draft.phase.kind !== 'ended') return;
    const last = draft.commands.pop();
    if (last?.kind === 'end') end(draft, withoutCheckpoint(ending, failure));
    return;
  }
  fail(draft, 'INTERNAL', `the final checkpoint could not be taken: ${failure}; resume to redo the last steps`);
}

function withoutCheckpoint(ending: Ending, failure: string): Ending {
  return { ...ending, message: `${ending.message} (without a final checkpoint: ${failure})` };
}
