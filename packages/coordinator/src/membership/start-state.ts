/**
 * Decides which state the next generation starts from, and which worker hands it out. The most advanced state wins, because
 * it contains every contribution. Among equal ones the worker that came first is the donor. Nothing here waits or sends.
 */
import { formatCrc32 } from '@facet/shared';
import type { HeldState, Source, StartState, WorkerEntry } from './state.js';

export type StartDecision =
  | { readonly kind: 'start'; readonly start: StartState; readonly sourceOf: (worker: WorkerEntry) => Source }
  | { readonly kind: 'desync'; readonly message: string };

/**
 * Decides from what the ready workers hold and the checkpoint that the coordinator can hand out.
 *
 * @param ready in the order in which they came; a worker whose state the ledger cannot explain must come with `held` undefined.
 */
export function chooseStart(ready: readonly WorkerEntry[], checkpoint: HeldState | undefined): StartDecision {
  const donor = mostAdvanced(ready);
  if (donor === undefined || (checkpoint !== undefined && checkpoint.step > donor.held.step)) {
    if (checkpoint === undefined) {
      return { kind: 'start', start: { step: 0, weightsCrc: undefined }, sourceOf: () => ({ kind: 'initial' }) };
    }
    return { kind: 'start', start: checkpoint, sourceOf: () => ({ kind: 'pull-from-coordinator' }) };
  }
  const start = donor.held;
  const other = ready.find(({ held }) => held?.step === start.step && held.weightsCrc !== start.weightsCrc);
  if (other?.held !== undefined) {
    return {
      kind: 'desync',
      message: describeDesync(start.step, [donor.workerId, start], [other.workerId, other.held]),
    };
  }
  const pull: Source = { kind: 'pull-from-worker', workerId: donor.workerId };
  return { kind: 'start', start, sourceOf: ({ held }) => (held?.step === start.step ? { kind: 'keep' } : pull) };
}

/** The holder of the most advanced state; the first one among equals. */
export function mostAdvanced(
  workers: readonly WorkerEntry[],
): (WorkerEntry & { readonly held: HeldState }) | undefined {
  let best: (WorkerEntry & { readonly held: HeldState }) | undefined;
  for (const worker of workers) {
    const { held } = worker;
    if (held !== undefined && (best === undefined || held.step > best.held.step)) best = { ...worker, held };
  }
  return best;
}

/** One sentence that names two holders of one step whose weights differ. */
export function describeDesync(
  step: number,
  [first, firstState]: readonly [string, HeldState],
  [second, secondState]: readonly [string, HeldState],
): string {
  return (
    `the weights after step ${step} differ: ${first} has ${formatCrc32(firstState.weightsCrc)}, ` +
    `${second} has ${formatCrc32(secondState.weightsCrc)}; check that both run the same engine on the same kind of CPU, ` +
    `then resume from the last checkpoint`
  );
}
