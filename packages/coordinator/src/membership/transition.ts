/**
 * The transition function of membership: (state, event, now) to (state, commands). It makes all decisions about which workers
 * train together, and carries out none of them. So a test can replay any sequence of events in no time. Events about workers
 * that are gone or generations that are over are ordinary: they were under way. They change nothing.
 */
import { TrainingError } from '@facet/shared';
import { change, closeDraft, countReady, isMember, membersOf, openDraft, readyWorkers, type Draft } from './draft.js';
import { beginStopping, end, fail, replaceDonor } from './ending.js';
import {
  beginDrain,
  beginRegroup,
  continueWhenDrained,
  continueWhenReported,
  endOrFormOrGather,
  form,
  formOrGather,
  type FaultCause,
} from './generation.js';
import { LayeredMap } from './layered-map.js';
import { forgetStateOf, saveBeforeLeaving } from './saving.js';
import { describeDesync } from './start-state.js';
import {
  phaseDeadlineMs,
  workerDeadlineMs,
  type Command,
  type Ending,
  type Membership,
  type MembershipEvent,
  type MembershipPolicy,
  type WorkerEntry,
} from './state.js';

type EventOf<K extends MembershipEvent['kind']> = Extract<MembershipEvent, { kind: K }>;

export interface TransitionOptions {
  readonly policy: MembershipPolicy;
  readonly nowMs: number;
}

/** Applies one event. The commands are to be carried out in order. */
export function transition(
  state: Membership,
  event: MembershipEvent,
  { policy, nowMs }: TransitionOptions,
): { readonly state: Membership; readonly commands: readonly Command[] } {
  if (state.phase.kind === 'ended') return { state, commands: [] };
  const draft = openDraft(state, policy, nowMs);
  if ('workerId' in event && event.kind !== 'connected') {
    if (!draft.workers.has(event.workerId) && event.kind !== 'state-saved') return { state, commands: [] };
    change(draft, event.workerId, { heardAtMs: nowMs });
  }
  apply(draft, event);
  return closeDraft(draft);
}

function apply(draft: Draft, event: MembershipEvent): void {
  switch (event.kind) {
    case 'connected':
      onConnected(draft, event);
      break;
    case 'ready':
      onReady(draft, event);
      break;
    case 'heard':
      break;
    case 'formed':
      onFormed(draft, event);
      break;
    case 'report':
      onReport(draft, event);
      break;
    case 'fault':
      onFault(draft, event);
      break;
    case 'applied':
      onApplied(draft, event);
      break;
    case 'leave-requested':
      onLeaveRequested(draft, event);
      break;
    case 'unwanted':
      onUnwanted(draft, event);
      break;
    case 'rebalanced':
      beginDrain(draft, event.reason);
      break;
    case 'closed':
      removeAsFault(draft, event.workerId, `worker ${event.workerId} is gone: ${event.reason}`);
      break;
    case 'committed':
      draft.fruitlessGenerations = 0;
      draft.invalidShards = 0;
      break;
    case 'evaluated':
      onEvaluated(draft, event);
      break;
    case 'checkpointed':
      if (event.held.step >= (draft.checkpoint?.step ?? -1)) draft.checkpoint = event.held;
      break;
    case 'state-saved':
      onStateSaved(draft, event);
      break;
    case 'stop-requested':
      onEndRequested(draft, { outcome: 'stopped', message: event.reason });
      break;
    case 'hand-over-requested':
      onEndRequested(draft, { outcome: 'handed-over', message: event.reason });
      break;
    case 'failed':
      fail(draft, event.code, event.message);
      break;
    case 'tick':
      onTick(draft);
      break;
    default:
      event satisfies never;
  }
}

function onConnected(draft: Draft, { workerId, host }: EventOf<'connected'>): void {
  if (draft.workers.has(workerId)) return;
  draft.joins += 1;
  draft.workers.set(workerId, {
    workerId,
    host,
    joinOrder: draft.joins,
    stage: 'connecting',
    connectedAtMs: draft.nowMs,
    heardAtMs: draft.nowMs,
    held: undefined,
    generation: 0,
    isLeaving: false,
  });
}

function onReady(draft: Draft, { workerId, held }: EventOf<'ready'>): void {
  if (draft.workers.get(workerId)?.stage !== 'connecting') return;
  change(draft, workerId, { stage: 'ready', held });
  const { phase } = draft;
  if (phase.kind === 'gathering' && countReady(draft) >= phase.wanted) form(draft);
  else if (phase.kind === 'running') admitSpares(draft);
}

/** If there is room, a new generation is formed with the worker that became ready. */
function admitSpares(draft: Draft): void {
  const { phase, policy } = draft;
  if (phase.kind !== 'running' || phase.members.length >= policy.workers.max) return;
  const [spare] = readyWorkers(draft);
  if (spare !== undefined) beginDrain(draft, `worker ${spare.workerId} joins`);
}

function onFormed(draft: Draft, { workerId, generation, held }: EventOf<'formed'>): void {
  const { phase } = draft;
  if (phase.kind !== 'forming' || phase.generation !== generation || !isMember(draft, workerId)) return;
  const formed = LayeredMap.copyOf(phase.formed).set(workerId, held);
  change(draft, workerId, { held });
  const expected = expectedState(phase.start, formed);
  if (held.step !== phase.start.step) {
    const message = `worker ${workerId} formed generation ${generation} with the state after step ${held.step}, expected step ${phase.start.step}; report this as a bug`;
    fail(draft, 'DESYNC', message);
  } else if (held.weightsCrc !== expected.state.weightsCrc) {
    fail(draft, 'DESYNC', describeDesync(held.step, [expected.holder, expected.state], [workerId, held]));
  } else if (formed.size === phase.members.length) {
    draft.phase = { kind: 'running', generation, members: phase.members, drain: undefined };
    draft.commands.push({ kind: 'start', generation, workerIds: phase.members });
  } else {
    draft.phase = { ...phase, formed };
  }
}

/** The state that members of a generation must hold: the chosen one, or the one that the first member made from the seed. */
function expectedState(
  start: { readonly step: number; readonly weightsCrc: number | undefined },
  formed: ReadonlyMap<string, { readonly step: number; readonly weightsCrc: number }>,
): { readonly holder: string; readonly state: { readonly step: number; readonly weightsCrc: number } } {
  const [first] = formed;
  if (start.weightsCrc !== undefined || first === undefined) {
    return { holder: 'the donor', state: { step: start.step, weightsCrc: start.weightsCrc ?? 0 } };
  }
  return { holder: first[0], state: first[1] };
}

function onReport(draft: Draft, { workerId, generation, held }: EventOf<'report'>): void {
  const { phase } = draft;
  if (phase.kind !== 'regrouping' || phase.generation !== generation || !phase.awaiting.has(workerId)) return;
  change(draft, workerId, { stage: 'ready', held });
  stopAwaiting(draft, workerId);
}

function onApplied(draft: Draft, { workerId, generation, held }: EventOf<'applied'>): void {
  const { phase } = draft;
  if (phase.kind !== 'running' || phase.generation !== generation || !isMember(draft, workerId)) return;
  change(draft, workerId, { held });
  continueWhenDrained(draft);
  admitSpares(draft);
}

/** Lets a worker go: at once if no work is lost by that, otherwise when its generation has drained. */
function onLeaveRequested(draft: Draft, { workerId, reason }: EventOf<'leave-requested'>): void {
  change(draft, workerId, { isLeaving: true });
  const { phase } = draft;
  const why = `worker ${workerId} leaves: ${reason}`;
  const isDonor = phase.kind === 'stopping' && phase.donor === workerId;
  // Whoever waits now, or gives its state, goes when the next generation forms.
  if (phase.kind === 'regrouping' || phase.kind === 'saving' || isDonor) return;
  if (!membersOf(phase).includes(workerId)) {
    if (phase.kind === 'gathering' && saveBeforeLeaving(draft, phase.wanted)) return;
    const generation = draft.workers.get(workerId)?.generation ?? 0;
    draft.commands.push({ kind: 'dismiss', workerId, generation, reason });
    remove(draft, workerId, `worker ${workerId} left: ${reason}`);
  } else if (phase.kind === 'running') {
    beginDrain(draft, why);
  } else {
    // The others may be about to get their state from it.
    beginRegroup(draft, why);
  }
}

/** A member that the run needs is not sent away. */
function onUnwanted(draft: Draft, { workerId, reason }: EventOf<'unwanted'>): void {
  const { phase, workers, policy } = draft;
  if (phase.kind !== 'running' || !phase.members.includes(workerId)) return;
  const staying = phase.members.filter((member) => member !== workerId && workers.get(member)?.isLeaving === false);
  if (staying.length < policy.workers.min) return;
  change(draft, workerId, { isLeaving: true });
  beginDrain(draft, reason);
}

function stopAwaiting(draft: Draft, workerId: string): void {
  const { phase } = draft;
  if (phase.kind !== 'regrouping') return;
  const awaiting = new Set(phase.awaiting);
  awaiting.delete(workerId);
  draft.phase = { ...phase, awaiting };
  continueWhenReported(draft);
}

function onFault(draft: Draft, { workerId, generation, step, code, message }: EventOf<'fault'>): void {
  const { phase } = draft;
  if (!('generation' in phase) || phase.generation !== generation) return;
  const isMember = membersOf(phase).includes(workerId) || (phase.kind === 'regrouping' && phase.awaiting.has(workerId));
  if (!isMember) return;
  if (code === 'SHARD_INVALID') draft.invalidShards += 1;
  const isFatal = code === 'SHARD_INVALID' ? draft.invalidShards > 1 : !new TrainingError(code, message).isRetryable;
  const described = `worker ${workerId} at step ${step}: ${message}`;
  if (isFatal) {
    draft.commands.push({ kind: 'record-fault', generation, step, code, message: described });
    draft.lastFault = described;
    fail(draft, code, described);
  } else {
    beginRegroup(draft, described, { step, code, message: described });
  }
}

function onEvaluated(draft: Draft, { held }: EventOf<'evaluated'>): void {
  const { phase, policy } = draft;
  if (!draft.evaluatedSteps.has(held.step)) draft.fruitlessGenerations = 0;
  draft.evaluatedSteps.add(held.step);
  const isLast = policy.plan.next({ kind: 'evaluate', step: held.step }) === undefined;
  if (phase.kind !== 'running') return;
  if (!isLast) {
    admitSpares(draft);
    return;
  }
  // Those who evaluated may be gone by the time that it is on disk; who redoes the last steps will evaluate again.
  const isHeld = phase.members.some((workerId) => draft.workers.get(workerId)?.held?.step === held.step);
  if (isHeld) beginStopping(draft, { outcome: 'finished', message: 'all epochs are done' });
}

function onStateSaved(draft: Draft, { workerId, failure }: EventOf<'state-saved'>): void {
  const { phase } = draft;
  if ((phase.kind !== 'stopping' && phase.kind !== 'saving') || phase.donor !== workerId) return;
  if (phase.kind === 'saving') {
    if (failure !== undefined) forgetStateOf(draft, workerId);
    endOrFormOrGather(draft, phase.wanted);
  } else if (failure === undefined) end(draft, phase.ending);
  else replaceDonor(draft, phase.ending, workerId, failure);
}

/** A run that is being handed over can still be stopped. */
function onEndRequested(draft: Draft, ending: Ending): void {
  const { phase, requested } = draft;
  if (requested !== undefined && (requested.outcome === ending.outcome || requested.outcome === 'stopped')) return;
  draft.requested = ending;
  if (phase.kind === 'gathering') beginStopping(draft, ending);
  else if (phase.kind === 'forming' || phase.kind === 'running') beginRegroup(draft, ending.message);
  else if (phase.kind === 'stopping' && phase.ending.outcome === 'handed-over') draft.phase = { ...phase, ending };
}

function onTick(draft: Draft): void {
  const { policy, nowMs, workers } = draft;
  const silent = [...workers.values()].filter((worker) => workerDeadlineMs(worker, policy) <= nowMs);
  const messages = silent.map((worker) => [worker.workerId, describeSilence(worker, draft)] as const);
  // All of them are taken out before anything follows, so that no generation is formed with one of them.
  for (const [workerId, message] of messages) dropSilently(draft, workerId, message);
  for (const [workerId, message] of messages) removeAsFault(draft, workerId, message);
  const { phase } = draft;
  if ((phaseDeadlineMs(phase) ?? Number.POSITIVE_INFINITY) <= nowMs) onPhaseDeadline(draft);
}

function describeSilence({ workerId, stage, connectedAtMs, heardAtMs }: WorkerEntry, draft: Draft): string {
  const { policy, nowMs } = draft;
  if (stage === 'connecting')
    return `worker ${workerId} did not become ready within ${Math.round(nowMs - connectedAtMs)} ms`;
  const silentMs = Math.round(nowMs - heardAtMs);
  return `worker ${workerId} was silent for ${silentMs} ms, allowed are ${policy.heartbeatMs} ms`;
}

function onPhaseDeadline(draft: Draft): void {
  const { phase, policy } = draft;
  switch (phase.kind) {
    case 'gathering':
      onGatherDeadline(draft);
      break;
    case 'forming': {
      const missing = phase.members.filter((workerId) => !phase.formed.has(workerId));
      const message = `generation ${phase.generation} did not form within ${policy.gatherMs} ms: no answer from ${missing.join(', ')}`;
      for (const workerId of missing) dropSilently(draft, workerId, message);
      beginRegroup(draft, message, { step: phase.start.step, code: 'PEER_UNAVAILABLE', message });
      break;
    }
    case 'regrouping': {
      const { awaiting, generation } = phase;
      for (const workerId of awaiting) {
        dropSilently(draft, workerId, `worker ${workerId} did not report on generation ${generation} in time`);
      }
      for (const workerId of awaiting) stopAwaiting(draft, workerId);
      break;
    }
    case 'saving':
      forgetStateOf(draft, phase.donor);
      endOrFormOrGather(draft, phase.wanted);
      break;
    case 'stopping':
      replaceDonor(
        draft,
        phase.ending,
        phase.donor,
        `worker ${phase.donor} did not hand it out within ${policy.gatherMs} ms`,
      );
      break;
    case 'running':
      beginRegroup(draft, `generation ${phase.generation} did not come to its last step within ${policy.gatherMs} ms`);
      break;
    case 'ended':
      break;
    default:
      phase satisfies never;
  }
}

function onGatherDeadline(draft: Draft): void {
  const { policy, lastFault } = draft;
  const readyCount = readyWorkers(draft).length;
  if (readyCount >= policy.workers.min) {
    form(draft);
    return;
  }
  const because = lastFault === undefined ? '' : `; the last fault: ${lastFault}`;
  const message = `${readyCount} workers were ready within ${policy.gatherMs} ms, expected at least ${policy.workers.min}${because}; start more workers and resume`;
  beginStopping(draft, { outcome: 'failed', code: 'PEER_UNAVAILABLE', message });
}

function dropSilently(draft: Draft, workerId: string, reason: string): void {
  draft.workers.delete(workerId);
  draft.commands.push({ kind: 'drop', workerId, reason });
}

function removeAsFault(draft: Draft, workerId: string, message: string): void {
  remove(draft, workerId, message, { step: undefined, code: 'PEER_UNAVAILABLE', message });
}

/** Removes a worker, in any phase. */
function remove(draft: Draft, workerId: string, message: string, fault?: FaultCause): void {
  draft.workers.delete(workerId);
  const { phase } = draft;
  if (membersOf(phase).includes(workerId)) beginRegroup(draft, message, fault);
  else if (phase.kind === 'regrouping' && phase.awaiting.has(workerId)) stopAwaiting(draft, workerId);
  else if (phase.kind === 'stopping' && phase.donor === workerId) giveUpDonor(draft, message);
  else if (phase.kind === 'saving' && phase.donor === workerId) endOrFormOrGather(draft, phase.wanted);
}

/** If the last state of a finished run died with its holders, the run goes back to the last checkpoint. */
function giveUpDonor(draft: Draft, message: string): void {
  const { phase } = draft;
  if (phase.kind !== 'stopping') return;
  const { ending } = phase;
  if (ending.outcome !== 'finished') {
    replaceDonor(draft, ending, phase.donor, message);
  } else if (beginStopping(draft, ending) === 'no-state') {
    draft.fruitlessGenerations += 1;
    draft.lastFault = message;
    formOrGather(draft, draft.policy.workers.min);
  }
}
