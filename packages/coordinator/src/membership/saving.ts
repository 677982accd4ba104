/**
 * Nobody takes the newest state along: if everybody who holds it leaves, they go when a checkpoint of it stands. So it does
 * not matter in which order the workers of a cluster are told to end.
 */
import { change, type Draft } from './draft.js';
import { mostAdvanced } from './start-state.js';

/**
 * Begins to save the newest state if its holders all leave and no checkpoint has it.
 *
 * @param wanted how many workers the next generation waits for
 * @returns false if there is nothing to save
 */
export function saveBeforeLeaving(draft: Draft, wanted: number): boolean {
  const { policy, nowMs, checkpoint } = draft;
  const workers = [...draft.workers.values()].sort((a, b) => a.joinOrder - b.joinOrder);
  const donor = mostAdvanced(workers);
  // The state of step 0 is made anew from the seed.
  if (donor === undefined || donor.held.step <= (checkpoint?.step ?? 0)) return false;
  const { workerId, held } = donor;
  if (workers.some((worker) => !worker.isLeaving && worker.held?.step === held.step)) return false;
  draft.phase = { kind: 'saving', donor: workerId, wanted, deadlineMs: nowMs + policy.gatherMs };
  draft.commands.push({ kind: 'take-checkpoint', workerId, held });
  return true;
}

/** The donor could not give its state; another holder may. */
export function forgetStateOf(draft: Draft, workerId: string): void {
  change(draft, workerId, { held: undefined });
}
