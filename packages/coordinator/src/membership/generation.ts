/**
 * Forming and dissolving generations: who trains together next, from which state, on which piece of work. A generation's
 * number only ever grows, and the next one is formed only after every survivor of the last reported or was dropped.
 */
import type { ErrorCode, WorkItem } from '@facet/shared';
import { change, membersOf, readyWorkers, type Draft } from './draft.js';
import { beginStopping, fail } from './ending.js';
import { saveBeforeLeaving } from './saving.js';
import { chooseStart } from './start-state.js';
import { MAX_FRUITLESS_GENERATIONS, type WorkerEntry } from './state.js';

/** How long a survivor may take to report, in heartbeats. */
const REPORT_HEARTBEATS = 2;
/** A draining generation ends this many steps after the last reported one. No member has begun that step yet. */
const DRAIN_STEPS = 2;

export interface FaultCause {
  readonly step: number | undefined;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Ends the generation that forms or runs. `fault` is absent if it ends without a fault. */
export function beginRegroup(draft: Draft, reason: string, fault?: FaultCause): void {
  const { phase, policy, nowMs } = draft;
  if (phase.kind !== 'forming' && phase.kind !== 'running') return;
  const { generation } = phase;
  if (fault !== undefined) {
    draft.fruitlessGenerations += 1;
    draft.lastFault = fault.message;
    draft.commands.push({ kind: 'record-fault', generation, ...fault });
  }
  const survivors = membersOf(phase).filter((workerId) => draft.workers.has(workerId));
  if (survivors.length > 0) draft.commands.push({ kind: 'regroup', generation, reason, workerIds: survivors });
  const deadlineMs = nowMs + REPORT_HEARTBEATS * policy.heartbeatMs;
  draft.phase = { kind: 'regrouping', generation, awaiting: new Set(survivors), deadlineMs, reason };
  continueWhenReported(draft);
}

/** Lets the running generation come to its end without loss. */
export function beginDrain(draft: Draft, reason: string): void {
  const { phase, policy, nowMs, workers } = draft;
  if (phase.kind !== 'running' || phase.drain !== undefined) return;
  const { generation, members } = phase;
  const appliedStep = Math.max(...members.map((workerId) => workers.get(workerId)?.held?.step ?? 0));
  const lastStep = appliedStep + DRAIN_STEPS;
  draft.phase = { ...phase, drain: { lastStep, deadlineMs: nowMs + policy.gatherMs, reason } };
  draft.commands.push({ kind: 'drain', generation, lastStep, reason, workerIds: members });
}

/** Regroups once every member has applied the last step. */
export function continueWhenDrained(draft: Draft): void {
  const { phase, workers } = draft;
  if (phase.kind !== 'running' || phase.drain === undefined) return;
  const { lastStep, reason } = phase.drain;
  const isDrained = phase.members.every((workerId) => (workers.get(workerId)?.held?.step ?? 0) >= lastStep);
  if (isDrained) beginRegroup(draft, reason);
}

/** Goes on when all reports are there. */
export function continueWhenReported(draft: Draft): void {
  if (draft.phase.kind !== 'regrouping' || draft.phase.awaiting.size > 0) return;
  endOrFormOrGather(draft, draft.policy.workers.min);
}

/** Between two generations: ends if that was asked for, otherwise goes on. */
export function endOrFormOrGather(draft: Draft, wanted: number): void {
  if (draft.requested !== undefined) beginStopping(draft, draft.requested);
  else formOrGather(draft, wanted);
}

/** Forms the next generation, or waits for more workers when there are fewer than the minimum. */
export function formOrGather(draft: Draft, wanted: number): void {
  const { policy, nowMs } = draft;
  if (saveBeforeLeaving(draft, wanted)) return;
  dismissLeavers(draft);
  if (draft.fruitlessGenerations >= MAX_FRUITLESS_GENERATIONS) {
    const message = `${MAX_FRUITLESS_GENERATIONS} generations in a row ended before a step was committed; the last fault: ${draft.lastFault ?? 'unknown'}`;
    beginStopping(draft, { outcome: 'failed', code: 'PEER_UNAVAILABLE', message });
  } else if (readyWorkers(draft).length >= policy.workers.min) {
    form(draft);
  } else {
    draft.phase = { kind: 'gathering', wanted, deadlineMs: nowMs + policy.gatherMs };
  }
}

/** Lets workers go that asked to leave: between two generations nobody needs them. */
function dismissLeavers({ workers, commands }: Draft): void {
  for (const { workerId, isLeaving, generation } of [...workers.values()]) {
    if (!isLeaving) continue;
    workers.delete(workerId);
    commands.push({ kind: 'dismiss', workerId, generation, reason: 'its generation is over' });
  }
}

/** Forms a generation from the ready workers; the caller has checked that they are enough. */
export function form(draft: Draft): void {
  const { policy, nowMs } = draft;
  const ready = readyWorkers(draft);
  const decision = chooseStart(ready, draft.checkpoint);
  if (decision.kind === 'desync') {
    fail(draft, 'DESYNC', decision.message);
    return;
  }
  const { start, sourceOf } = decision;
  const work = workAfter(draft, start.step);
  if (work === undefined) {
    beginStopping(draft, { outcome: 'finished', message: 'all epochs are done' });
    return;
  }
  const members = byHost(ready.slice(0, policy.workers.max));
  const generation = draft.generation + 1;
  draft.generation = generation;
  for (const { workerId } of members) change(draft, workerId, { stage: 'member', generation });
  draft.phase = {
    kind: 'forming',
    generation,
    members: members.map(({ workerId }) => workerId),
    start,
    formed: new Map(),
    deadlineMs: nowMs + policy.gatherMs,
  };
  draft.commands.push({
    kind: 'form',
    generation,
    members: members.map((worker, rank) => ({ workerId: worker.workerId, rank, source: sourceOf(worker) })),
    start,
    work,
  });
}

/**
 * The order of ranks: workers of one host are neighbours, and hosts come in the order of their first workers. So a host's
 * workers can reduce among themselves first.
 */
function byHost(workers: readonly WorkerEntry[]): WorkerEntry[] {
  const hosts = [...new Set(workers.map(({ host }) => host))];
  return hosts.flatMap((host) => workers.filter((worker) => worker.host === host));
}

/** The first piece of work for weights that have had `step` updates; undefined when the run is complete. */
function workAfter({ policy, evaluatedSteps }: Draft, step: number): WorkItem | undefined {
  if (step > 0 && policy.plan.isLastOfEpoch(step) && !evaluatedSteps.has(step)) return { kind: 'evaluate', step };
  return policy.plan.after(step);
}
