/**
 * A transition under way: the state that it changes and the commands that it has collected. Drafts never leave this folder;
 * a transition takes and returns immutable values.
 */
import { LayeredMap } from './layered-map.js';
import type { Command, Membership, MembershipPolicy, Phase, WorkerEntry } from './state.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface Draft extends Omit<Mutable<Membership>, 'workers' | 'evaluatedSteps'> {
  readonly workers: LayeredMap<string, WorkerEntry>;
  readonly evaluatedSteps: Set<number>;
  readonly commands: Command[];
  readonly policy: MembershipPolicy;
  readonly nowMs: number;
}

export function openDraft(state: Membership, policy: MembershipPolicy, nowMs: number): Draft {
  return {
    ...state,
    workers: LayeredMap.copyOf(state.workers),
    evaluatedSteps: new Set(state.evaluatedSteps),
    commands: [],
    policy,
    nowMs,
  };
}

export function closeDraft(draft: Draft): { readonly state: Membership; readonly commands: readonly Command[] } {
  const { commands, policy: _policy, nowMs: _nowMs, ...state } = draft;
  return { state, commands };
}

/** Changes a worker's entry. A worker that is gone stays gone. */
export function change(draft: Draft, workerId: string, changes: Partial<WorkerEntry>): void {
  const worker = draft.workers.get(workerId);
  if (worker !== undefined) draft.workers.set(workerId, { ...worker, ...changes });
}

/** The workers that could join the next generation, in join order. */
export function readyWorkers({ workers }: Pick<Membership, 'workers'>): WorkerEntry[] {
  return [...workers.values()].filter(({ stage }) => stage === 'ready').sort((a, b) => a.joinOrder - b.joinOrder);
}

/** How many they are; asked at every Ready. */
export function countReady({ workers }: Draft): number {
  let count = 0;
  for (const { stage } of workers.values()) if (stage === 'ready') count += 1;
  return count;
}

/** Whether a worker is a member of the generation that forms or runs. Unlike a search among its members it takes no time. */
export function isMember({ workers, phase }: Draft, workerId: string): boolean {
  const worker = workers.get(workerId);
  const isOpen = phase.kind === 'forming' || phase.kind === 'running';
  return isOpen && worker?.stage === 'member' && worker.generation === phase.generation;
}

/** The members of the generation that forms or runs. */
export function membersOf(phase: Phase): readonly string[] {
  return phase.kind === 'forming' || phase.kind === 'running' ? phase.members : [];
}
