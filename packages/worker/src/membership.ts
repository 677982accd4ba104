/**
 * The life of a worker in a run: from Hello through one generation after the other until the run stops. If the coordinator
 * is lost, the state is kept and the worker comes back for as long as the run allows. Sockets, engines and servers are
 * arguments; what a generation does is in membership-generation.ts.
 */
import {
  decodePasses,
  decodePeerList,
  passesLabel,
  OPERATION_DEFAULTS,
  pause,
  repeat,
  shardKeyLabel,
  ShardSeal,
  TrainingError,
  type Clock,
  type RunToken,
  type StateSnapshot,
  type WelcomeSecrets,
} from '@facet/shared';
import type { JoinRequest, JoinResponse__Output, Ticket, Welcome } from '@facet/proto';
import type { Logger } from '@facet/telemetry';
import type { CoordinatorStream } from './coordinator-stream.js';
import { JoinHandshake } from './join-handshake.js';
import type { Generation, JoinGeneration, MemberResources, WorkerResources } from './membership-generation.js';
import { stepDoneMessage } from './messages.js';
import { renewResources } from './renewed-resources.js';
import type { StepResult } from './train/generation-loop.js';
import { copyState } from './train/training-state.js';
import type { WorkerMetrics } from './worker-metrics.js';

export interface WorkerOutcome {
  readonly outcome: 'finished' | 'stopped' | 'left' | 'failed' | 'refused';
  readonly message?: string;
}

export interface MembershipOptions<R extends MemberResources = WorkerResources> {
  readonly hello: NonNullable<JoinRequest['hello']>;
  /** Of the run: both sides of a stream must have it. */
  readonly token: RunToken;
  /** @throws TrainingError COORDINATOR_UNREACHABLE, which is tried again until patience ends. */
  readonly connect: () => Promise<CoordinatorStream>;
  /** Builds what the worker has for its whole life; called with the first Welcome. */
  readonly prepare: (welcome: Welcome, secrets: WelcomeSecrets) => Promise<R>;
  /** What it does in a generation. */
  readonly join: JoinGeneration<R>;
  readonly metrics: Pick<WorkerMetrics, 'recordStep' | 'recordMembership' | 'recordFault' | 'recordForgedShard'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborting makes the worker leave: it ends the steps that its generation still has to do, and loses nothing. */
  readonly signal: AbortSignal;
}

export interface Membership<R extends MemberResources = WorkerResources> {
  /** Until the run ends, the worker is told to leave, or the coordinator stays away too long. */
  run(): Promise<WorkerOutcome>;
  /** The state after a step, if this worker still has it. */
  snapshot(step: number): StateSnapshot | undefined;
  readonly resources: R | undefined;
  /** Micro-batches that wait to be computed. */
  readonly backlog: number;
  /** It is a member of a generation that is not over. */
  readonly isInGeneration: boolean;
  /** Abandons the generation under way; resolves when the state is at rest. */
  end(reason: string): Promise<void>;
}

/** Past steps that are reported again to a coordinator that may have missed them. */
const RECENT_STEPS = 64;
const RECONNECT_DELAY_MS = 200;
/** Where another run is led, this one's coordinator does not come back in a moment. */
const OTHER_RUN_DELAY_MS = 2_000;
/** Before a coordinator has said how long this run waits. It may itself wait as long for its broker. */
const DEFAULT_RECONNECT_MS = OPERATION_DEFAULTS.timeouts.gatherMs;

/** A worker that has not said Hello yet. */
export function createMembership<R extends MemberResources = WorkerResources>(
  options: MembershipOptions<R>,
): Membership<R> {
  const { metrics, clock, log, signal } = options;
  const snapshots = new Map<number, StateSnapshot>();
  /** Steps after which the coordinator wants the state, beside those that are due by the plan. */
  const wanted = new Set<number>();
  const recent: { generation: number; result: StepResult }[] = [];
  /** The highest term of a coordinator that was heard: one of a lower term was replaced, and is not obeyed. */
  let term = 0;
  /** Of the last generation that this worker was a member of. */
  let ticket: Ticket | null = null;
  let generation: Generation | undefined;
  /** Of the newest stream. */
  let handshake: JoinHandshake | undefined;
  let resources: R | undefined;

  const report = () => {
    const state = resources?.state;
    return {
      generation: generation?.id ?? 0,
      hasState: state?.appliedStep !== undefined,
      appliedStep: state?.appliedStep ?? 0,
      weightsCrc: state?.weightsCrc ?? 0,
      recent: recent.map((entry) => stepDoneMessage(entry.generation, entry.result)),
    };
  };

  const renew = (held: R, welcome: Welcome): R => {
    const { resources: renewed, isChanged } = renewResources(held, welcome);
    if (!isChanged) return renewed;
    log.info({ changes: renewed.config.changes.at(-1) }, 'the run was changed; the state is taken anew');
    held.state.appliedStep = undefined;
    recent.length = 0;
    snapshots.clear();
    return renewed;
  };

  const onStep = (stream: CoordinatorStream, id: number, rank: number, result: StepResult): void => {
    metrics.recordStep(result);
    recent.push({ generation: id, result });
    if (recent.length > RECENT_STEPS) recent.shift();
    const { config, plan, state } = resources!;
    // Rank 0 keeps what the coordinator is about to pull for a checkpoint; everyone else would only copy.
    const isWanted = wanted.delete(result.step);
    const isDue = result.step % config.checkpoint.everySteps === 0 || plan.isLastOfEpoch(result.step);
    if (rank === 0 && (isDue || isWanted)) {
      snapshots.clear();
      snapshots.set(result.step, copyState(state));
    }
    stream.send({ stepDone: stepDoneMessage(id, result) });
  };

  /** One membership, from Hello to the end of the stream. */
  const session = async (): Promise<WorkerOutcome | 'lost'> => {
    await using stream = await options.connect();
    const { run = '', runId = '' } = resources?.welcome ?? {};
    const proofs = new JoinHandshake(options.token, { ...options.hello, term, run, runId, ticket }, handshake);
    stream.send({ hello: proofs.hello });
    let stopHeartbeat: (() => void) | undefined;
    // The coordinator ends the stream when nobody needs this worker any more. It has a deadline for that, and its own end
    // is seen by keepalive, so this waits for nothing else.
    const leave = (): void => {
      if (proofs.isProven) stream.send({ leave: { reason: 'it was told to stop' } });
    };
    signal.addEventListener('abort', leave);
    try {
      const listen = (message: JoinResponse__Output): void => {
        if (proofs.isProven) onArrival(message);
      };
      for await (const message of stream.messages(listen)) {
        if (isOutdated(message)) {
          log.warn({ term: message.term, highestTerm: term }, 'this coordinator was replaced and is not obeyed');
          return 'lost';
        }
        const outcome = proofs.isProven ? await handle(stream, message, proofs) : prove(stream, message, proofs);
        if (outcome !== undefined) return outcome;
        if (message.message === 'challenge' && signal.aborted) leave();
        if (message.message === 'welcome') {
          stopHeartbeat ??= repeat(clock, resources!.config.timeouts.heartbeatMs / 4, () => {
            stream.send({ heartbeat: { step: resources?.state.appliedStep ?? 0 } });
          });
        }
      }
      return signal.aborted ? { outcome: 'left' } : 'lost';
    } finally {
      stopHeartbeat?.();
      signal.removeEventListener('abort', leave);
      await generation?.end('the coordinator is gone');
    }
  };

  /** Its terms are not those of this run. */
  const isOfAnotherRun = ({ refusal, challenge }: JoinResponse__Output): boolean => {
    const ownId = resources?.welcome.runId;
    return refusal?.code === 'RUN_MISMATCH' || (ownId !== undefined && (challenge?.runId ?? ownId) !== ownId);
  };

  const isOutdated = (message: JoinResponse__Output): boolean => message.term < term && !isOfAnotherRun(message);

  /** Some messages end the generation at once, even while an earlier message is still being handled. */
  const onArrival = (message: JoinResponse__Output): void => {
    if (isOutdated(message) || isOfAnotherRun(message)) return;
    term = message.term;
    if (message.regroup) void generation?.end(message.regroup.reason);
    if (message.stop) void generation?.end(message.stop.message);
  };

  /** The first messages of a stream. Who leads elsewhere, or nowhere, ends no worker that belongs to a run. */
  const prove = (
    stream: CoordinatorStream,
    { challenge, refusal, message, term: said }: JoinResponse__Output,
    proofs: JoinHandshake,
  ): WorkerOutcome | undefined => {
    try {
      if (challenge) {
        stream.send(proofs.answer(challenge, said));
        handshake = proofs;
        return undefined;
      }
      const { code = 'TOKEN_INVALID', message: text = `${message} came before the coordinator's proof` } =
        refusal ?? {};
      if (resources === undefined) return { outcome: 'refused', message: `${code}: ${text}` };
      throw new TrainingError('TOKEN_INVALID', `a coordinator that did not show the run's token says: ${text}`);
    } catch (caught) {
      const error = TrainingError.from(caught);
      if (resources === undefined) throw error;
      throw new TrainingError('RUN_MISMATCH', error.message, { cause: caught });
    }
  };

  const handle = async (
    stream: CoordinatorStream,
    message: JoinResponse__Output,
    proofs: JoinHandshake,
  ): Promise<WorkerOutcome | undefined> => {
    if (message.refusal) {
      // Whoever leads another run there may go, and this run's own coordinator may be elsewhere.
      if (isOfAnotherRun(message)) throw new TrainingError('RUN_MISMATCH', message.refusal.message);
      return { outcome: 'refused', message: `${message.refusal.code}: ${message.refusal.message}` };
    } else if (message.welcome) {
      const { welcome } = message;
      const secrets = proofs.openWelcome(welcome.sealed);
      resources =
        resources === undefined ? await options.prepare(welcome, secrets) : { ...renew(resources, welcome), secrets };
      const { compute, engine, threads } = resources;
      stream.send({
        ready: {
          programSha256: compute.programSha256,
          parameters: compute.layout.slots.map(({ name, shape }) => ({ name, shape: [...shape] })),
          engine: engine.name,
          device: engine.device,
          threads,
          state: report(),
        },
      });
    } else if (message.form) {
      await generation?.end('a new generation forms');
      const { form } = message;
      const peers = decodePeerList(form.peerList);
      const seal = new ShardSeal(proofs.open(shardKeyLabel(form.generation), form.sealedShardKey));
      const passes = decodePasses(proofs.open(passesLabel(form.generation), form.sealedPasses));
      ticket = form.ticket;
      log.info(
        { generation: form.generation, rank: form.rank, worldSize: peers.length, step: form.step },
        'generation forms',
      );
      metrics.recordMembership({ generation: form.generation, rank: form.rank, worldSize: peers.length });
      const { state } = resources!;
      generation = options.join({ form, peers, seal, passes }, resources!, {
        onFormed: (id, connected, ways) => {
          log.info({ generation: id, peers: connected, ways }, 'connected to its peers');
          stream.send({
            formed: { generation: id, appliedStep: state.appliedStep ?? 0, weightsCrc: state.weightsCrc },
          });
        },
        onStep: (id, rank, result) => {
          onStep(stream, id, rank, result);
        },
        onEvaluation: (id, step, share) => {
          stream.send({
            evaluationDone: { generation: id, step, parts: [...share.parts], confusion: [...share.confusion] },
          });
        },
        onForgedShard: (id) => {
          metrics.recordForgedShard();
          log.warn({ generation: id }, 'a shard came that the coordinator did not seal; it is skipped');
        },
        onFault: (id, error, peerWorkerId) => {
          metrics.recordFault(error.code);
          log.warn({ generation: id, code: error.code, err: error }, 'fault');
          const step = (state.appliedStep ?? 0) + 1;
          stream.send({ fault: { generation: id, step, code: error.code, message: error.message, peerWorkerId } });
        },
      });
    } else if (message.start) {
      if (message.start.generation === generation?.id) generation.start();
    } else if (message.drain) {
      const { generation: id, lastStep, reason } = message.drain;
      log.info({ generation: id, lastStep, reason }, 'the generation drains');
      if (id === generation?.id) generation.endAfter(lastStep);
    } else if (message.keepState) {
      // One at a time, and none of a generation that is over.
      wanted.clear();
      if (message.keepState.generation === generation?.id) wanted.add(message.keepState.step);
    } else if (message.regroup) {
      log.info({ generation: message.regroup.generation, reason: message.regroup.reason }, 'regrouping');
      await generation?.end(message.regroup.reason);
      stream.send({ report: report() });
    } else if (message.stop) {
      await generation?.end(message.stop.message);
      const outcome = stopOutcome(message.stop.reason);
      return message.stop.message === '' ? { outcome } : { outcome, message: message.stop.message };
    }
    return undefined;
  };

  return {
    async run() {
      let lostAt: number | undefined;
      for (;;) {
        const patienceMs = resources?.config.timeouts.gatherMs ?? DEFAULT_RECONNECT_MS;
        let delayMs = RECONNECT_DELAY_MS;
        try {
          const outcome = await session();
          if (outcome !== 'lost') return outcome;
          lostAt = clock.now();
          log.warn({ patienceMs }, 'the coordinator is gone; keeping the state and trying to come back');
        } catch (caught) {
          const error = TrainingError.from(caught);
          if (error.code === 'CANCELLED' && signal.aborted) return { outcome: 'left' };
          const isRefused = error.code === 'CERTIFICATE_REFUSED';
          // A worker that was in the run may be let in again when certificates have been replaced.
          const mayPass = error.code === 'COORDINATOR_UNREACHABLE' || error.code === 'RUN_MISMATCH';
          if (!mayPass && !(isRefused && resources !== undefined)) throw error;
          if (isRefused)
            log.warn({ reason: error.message }, 'the coordinator and this worker do not accept each other');
          if (lostAt === undefined && error.code === 'COORDINATOR_UNREACHABLE')
            log.warn({ reason: error.message, patienceMs }, 'no coordinator answers yet; waiting for one');
          lostAt ??= clock.now();
          if (clock.now() - lostAt > patienceMs) {
            throw new TrainingError(error.code, `${error.message}; gave up after ${patienceMs} ms`, { cause: error });
          }
          if (error.code === 'RUN_MISMATCH') {
            log.warn({ reason: error.message }, "another run's coordinator is there; looking for this run's own");
            delayMs = OTHER_RUN_DELAY_MS;
          }
        }
        if (signal.aborted) return { outcome: 'left' };
        await pause(clock, delayMs);
      }
    },
    snapshot(step) {
      const state = resources?.state;
      return snapshots.get(step) ?? (state?.appliedStep === step ? copyState(state) : undefined);
    },
    get resources() {
      return resources;
    },
    get backlog() {
      return generation?.backlog ?? 0;
    },
    get isInGeneration() {
      return generation?.isOver === false;
    },
    async end(reason) {
      await generation?.end(reason);
    },
  };
}

function stopOutcome(reason: string): WorkerOutcome['outcome'] {
  if (reason === 'STOP_REASON_FINISHED') return 'finished';
  return reason === 'STOP_REASON_STOPPED' ? 'stopped' : 'failed';
}
