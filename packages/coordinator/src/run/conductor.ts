/**
 * Drives membership: turns what sessions say into events, carries out the commands, and calls the machine again when its
 * next deadline is due. It is the only place that changes the membership state. Events that commands cause are queued, so
 * that a transition is never entered from inside another.
 */
import type { Hello } from '@facet/proto';
import { parseAddress, parseErrorCode, TrainingError, type Clock, type Plan } from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import type { CheckedMessage, JoinSession, SessionHandler } from '../grpc/join-session.js';
import { clip } from '../grpc/messages.js';
import type { AdaptivePolicy } from '../membership/adaptive-policy.js';
import {
  bugIn,
  nextDeadlineMs,
  type Command,
  type Ending,
  type Membership,
  type MembershipEvent,
} from '../membership/state.js';
import { transition } from '../membership/transition.js';
import type { Metrics } from '../metrics/metrics.js';
import type { ShardPublisher } from '../shards/publisher.js';
import { admit, isWithin, requireRoom, type LedRun } from './admission.js';
import type { Checkpointer } from './checkpointer.js';
import { DeadlineTimer } from './deadline-timer.js';
import type { EngineMix } from './engine-mix.js';
import { EventQueue } from './event-queue.js';
import type { Greeter } from './greeter.js';
import type { Intake } from './intake.js';
import { Pacing, type PacingRules } from './pacing.js';
import { metricsFault } from './service-discovery.js';
import { Ranks } from './ranks.js';
import type { Recorder } from './recorder.js';
import type { Stopwatch } from './stopwatch.js';
import { sendForms, stopMessage } from './wire-commands.js';
import type { WorkerDirectory } from './worker-directory.js';

export interface ConductorOptions {
  /** False as soon as another coordinator may lead. */
  readonly isLeading: () => boolean;
  readonly onFenced: (reason: string) => void;
  readonly membership: Membership;
  readonly policy: AdaptivePolicy;
  readonly plan: Plan;
  /** Whether a checkpoint is due after a step. */
  readonly isCheckpointDue: (step: number) => boolean;
  readonly run: LedRun;
  readonly directory: WorkerDirectory;
  readonly engines: EngineMix;
  readonly pacing: PacingRules;
  readonly intake: Intake;
  readonly checkpointer: Checkpointer;
  readonly publisher: Pick<ShardPublisher, 'start' | 'stop'>;
  readonly recorder: Recorder;
  readonly stopwatch: Stopwatch;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Logger;
  readonly greeter: Greeter;
  /** The run is over, and workers have to be told. */
  readonly onEnd: (ending: Ending) => void;
}

export class Conductor implements SessionHandler {
  readonly #options: ConductorOptions;
  readonly #events: EventQueue<MembershipEvent>;
  #membership: Membership;
  #regroupedAtMs: number | undefined;
  #worldSize = 0;
  #generations = 0;
  #faults = 0;
  #isClosed = false;
  readonly #pacing: Pacing;
  readonly #ranks = new Ranks();
  readonly #timer: DeadlineTimer;

  constructor(options: ConductorOptions) {
    this.#options = options;
    this.#membership = options.membership;
    this.#events = new EventQueue({
      apply: (event) => {
        this.#apply(event);
      },
      bug: bugIn,
      log: options.log,
    });
    this.#pacing = new Pacing({
      ...options.pacing,
      plan: options.plan,
      log: options.log,
      sendAway: (workerId, reason) => this.#sendAway(workerId, reason),
      regroup: (reason) => {
        this.dispatch({ kind: 'rebalanced', reason });
      },
    });
    this.#timer = new DeadlineTimer(options.clock, () => {
      this.dispatch({ kind: 'tick' });
    });
    this.#scheduleTick();
  }

  get membership(): Membership {
    return this.#membership;
  }

  /** Members of the last generation that was formed. */
  get worldSize(): number {
    return this.#worldSize;
  }

  /** Generations that were formed in this process. */
  get generations(): number {
    return this.#generations;
  }

  /** Faults that ended a generation, or the run, in this process. */
  get faults(): number {
    return this.#faults;
  }

  onHello(session: JoinSession, hello: Hello): void {
    const { directory, log, policy, run, isLeading, onFenced } = this.#options;
    const { workerId, host } = hello;
    const admission = admit(hello, run);
    if (admission.kind === 'obeys-later') {
      session.end();
      if (admission.isProven) onFenced(admission.reason);
      else log.warn({ workerId }, `${admission.reason}, as it says; it has no ticket that shows it`);
      return;
    }
    if (!isLeading()) {
      session.end();
      return;
    }
    if (this.#isClosed || this.#membership.phase.kind === 'ended') {
      throw new TrainingError('CANCELLED', 'the run is over; start or resume a run');
    }
    const excluded = this.#pacing.reasonAgainst(workerId);
    if (excluded !== undefined) throw new TrainingError('STRAGGLER', excluded);
    requireRoom(workerId, { run, connected: directory.all, most: policy.current.workers.max });
    const previous = directory.add(session, hello, admission.provenGeneration);
    if (previous !== undefined) {
      previous.end();
      this.dispatch({ kind: 'closed', workerId, reason: 'it came back on another stream' });
    }
    const facts = { workerId, host, exchangeAddress: hello.exchangeAddress, metricsNotListed: metricsFault(hello) };
    log.info(facts, 'worker connected');
    this.dispatch({ kind: 'connected', workerId, host: parseAddress(hello.exchangeAddress).host });
    this.#options.greeter.greet({ session, host });
  }

  /** Takes in what a worker says. What is only for members to say is dropped when others say it, or when it is out of date. */
  onMessage(session: JoinSession, message: CheckedMessage): void {
    // A step that arrives now is committed by whoever leads next, from the worker's report.
    if (!this.#options.isLeading()) return;
    const { workerId } = session;
    this.dispatch({ kind: 'heard', workerId });
    switch (message.kind) {
      case 'ready':
        this.#onReady(workerId, message.body);
        break;
      case 'formed': {
        const { generation, appliedStep: step, weightsCrc } = message.body;
        this.dispatch({ kind: 'formed', workerId, generation, held: { step, weightsCrc } });
        break;
      }
      case 'stepDone':
        this.#onStepDone(workerId, message.body);
        break;
      case 'evaluationDone':
        if (this.#rankOf(workerId, message.body.generation) !== undefined)
          this.#options.intake.acceptEvaluation(workerId, message.body);
        break;
      case 'report':
        this.#onReport(workerId, message.body);
        break;
      case 'fault': {
        const { generation, step, code, message: text } = message.body;
        this.dispatch({ kind: 'fault', workerId, generation, step, code: parseErrorCode(code), message: clip(text) });
        break;
      }
      case 'heartbeat':
        break;
      case 'leave':
        this.dispatch({ kind: 'leave-requested', workerId, reason: clip(message.body.reason) });
        break;
      default:
        message satisfies never;
    }
  }

  onClosed(session: JoinSession, reason: string): void {
    const { workerId } = session;
    if (this.#options.directory.get(workerId)?.session !== session) return;
    this.#options.directory.remove(workerId);
    this.#options.log.info({ workerId, reason }, 'worker gone');
    this.dispatch({ kind: 'closed', workerId, reason });
  }

  /** Applies an event and everything that follows from it; without the right to lead nothing follows. */
  dispatch(event: MembershipEvent): void {
    if (this.#isClosed || !this.#options.isLeading()) return;
    const { phase } = this.#membership;
    this.#events.push(event);
    // What a worker says only puts its deadline off, which the timer finds out when it wakes: a thousand workers say much.
    const isOrdinary = event.kind === 'heard' || event.kind === 'applied';
    if (!isOrdinary || this.#membership.phase !== phase) this.#scheduleTick();
  }

  /** No more ticks, no more events. Workers stay connected until `sendOff`. */
  close(): void {
    this.#isClosed = true;
    this.#timer.set(undefined);
    this.#options.greeter.close();
  }

  /** Ends the streams of all workers. Those of a run that is not over here are told nothing, and look for the next coordinator. */
  sendOff(ending?: Ending): void {
    const { directory } = this.#options;
    for (const workerId of [...directory.all.keys()]) {
      const worker = directory.remove(workerId);
      if (ending !== undefined && ending.outcome !== 'handed-over')
        worker?.session.send(stopMessage(ending.outcome, ending.message));
      worker?.session.end();
    }
  }

  /** A worker is ready once per stream. */
  #onReady(workerId: string, ready: BodyOf<'ready'>): void {
    const { directory, intake, log } = this.#options;
    if (this.#membership.workers.get(workerId)?.stage !== 'connecting') return;
    directory.acceptProgram(workerId, ready);
    const provenGeneration = directory.get(workerId)?.provenGeneration ?? 0;
    const report = ready.state?.hasState === true ? ready.state : undefined;
    const isUsed = report !== undefined && isWithin(provenGeneration, report);
    const { held, fault } = isUsed ? intake.acceptReport(workerId, report) : {};
    // Unlike a member's, a newcomer's wrong state harms nobody: it gets the right one.
    const reason = fault?.message ?? `its ticket is of generation ${provenGeneration}`;
    if (report !== undefined && (!isUsed || fault !== undefined))
      log.warn({ workerId, reason }, "a newcomer's state is not used");
    this.dispatch({ kind: 'ready', workerId, held });
  }

  /** A survivor of the generation that is being dissolved says what it holds. */
  #onReport(workerId: string, report: BodyOf<'report'>): void {
    const { intake } = this.#options;
    const { generation, appliedStep: step } = report;
    const { phase } = this.#membership;
    const isAwaited = phase.kind === 'regrouping' && phase.generation === generation && phase.awaiting.has(workerId);
    if (!isAwaited || !isWithin(generation, report)) return;
    const { held, fault } = intake.acceptReport(workerId, report);
    if (fault !== undefined) intake.fail(fault.code, fault.message, { generation, step });
    else this.dispatch({ kind: 'report', workerId, generation, held });
  }

  /** Members alone commit. A step of a generation that is over is not lost: its members' reports have it. */
  #onStepDone(workerId: string, done: BodyOf<'stepDone'>): void {
    const { directory, intake, checkpointer, isCheckpointDue } = this.#options;
    const { generation, step, weightsCrc } = done;
    const worker = directory.get(workerId);
    const rank = this.#rankOf(workerId, generation);
    if (worker === undefined || rank === undefined) return;
    worker.lastStep = done;
    directory.keepProgram();
    intake.acceptStep({ workerId, rank }, done);
    this.#pacing.observe({ workerId, rank }, done);
    // Taken in, the step may have ended the generation.
    if (!isCheckpointDue(step) || rank !== 0 || this.#rankOf(workerId, generation) === undefined) return;
    checkpointer.takePeriodic({ workerId, address: worker.hello.exchangeAddress, held: { step, weightsCrc } });
  }

  /** Lets a straggler go, unless it goes anyway or membership cannot do without it. */
  #sendAway(workerId: string, reason: string): boolean {
    const isLeaving = (): boolean => this.#membership.workers.get(workerId)?.isLeaving === true;
    if (isLeaving()) return false;
    this.dispatch({ kind: 'unwanted', workerId, reason });
    return isLeaving();
  }

  /** A worker's rank in the generation that runs; undefined when it is none of its members, or it is another generation. */
  #rankOf(workerId: string, generation: number): number | undefined {
    const { phase } = this.#membership;
    if (phase.kind !== 'running' || phase.generation !== generation) return undefined;
    return this.#ranks.of(phase.members, workerId);
  }

  #apply(event: MembershipEvent): void {
    const { policy, clock } = this.#options;
    const moment = policy.observe(this.#membership, event, clock.now());
    const { state, commands } = transition(this.#membership, event, moment);
    this.#membership = state;
    for (const command of commands) this.#execute(command);
  }

  #execute(command: Command): void {
    const { directory, engines, publisher, intake, checkpointer, metrics, clock, log, recorder, stopwatch } =
      this.#options;
    switch (command.kind) {
      case 'form': {
        const { generation, members, work, start } = command;
        const worldSize = members.length;
        const memberIds = members.map(({ workerId }) => workerId);
        const shares = this.#pacing.begin(memberIds);
        const facts = { generation, worldSize, ...work, fromStep: start.step, ...(shares.length > 0 && { shares }) };
        log.info(facts, 'forming a generation');
        this.#worldSize = worldSize;
        this.#generations += 1;
        // Only members compute; a worker that waits changes nothing.
        for (const member of members) engines.noteMember(member.workerId, directory.get(member.workerId)?.program, log);
        publisher.start({ generation, split: this.#pacing.split, first: work });
        intake.begin(work, memberIds);
        const { run } = this.#options;
        sendForms(command, { shares, directory, momentsCrc: intake.momentsCrcOf(start.step), run });
        break;
      }
      case 'start': {
        const { generation, workerIds } = command;
        log.info({ generation }, 'generation starts');
        checkpointer.release();
        if (this.#regroupedAtMs !== undefined)
          metrics.regroupSeconds.observe((clock.now() - this.#regroupedAtMs) / 1_000);
        this.#regroupedAtMs = undefined;
        intake.start();
        void recorder.append(directory.generationRecord(generation, workerIds, intake.committedStep));
        for (const workerId of workerIds) directory.send(workerId, { start: { generation } });
        break;
      }
      case 'regroup': {
        const { generation, reason, workerIds } = command;
        log.info({ generation, reason }, 'regrouping');
        this.#regroupedAtMs = clock.now();
        publisher.stop();
        for (const workerId of workerIds) directory.send(workerId, { regroup: { generation, reason } });
        break;
      }
      case 'drain': {
        const { generation, lastStep, reason, workerIds } = command;
        log.info({ generation, lastStep, reason }, 'the generation drains');
        for (const workerId of workerIds) directory.send(workerId, { drain: { generation, lastStep, reason } });
        break;
      }
      case 'dismiss':
        this.#dismiss(command);
        break;
      case 'drop':
        log.warn({ workerId: command.workerId, reason: command.reason }, 'worker dropped');
        directory.remove(command.workerId)?.session.end();
        break;
      case 'record-fault': {
        const { generation, code, message } = command;
        const step = command.step ?? this.#options.intake.committedStep;
        this.#faults += 1;
        metrics.countFault(code);
        void recorder.append({ kind: 'fault', generation, step, code, message });
        break;
      }
      case 'take-checkpoint':
        publisher.stop();
        void this.#takeCheckpoint(command);
        break;
      case 'end':
        publisher.stop();
        stopwatch.pause();
        this.#options.onEnd(command.ending);
        break;
      default:
        command satisfies never;
    }
    if (this.#membership.phase.kind === 'gathering') this.#options.publisher.stop();
  }

  /** A worker that leaves is no fault. */
  #dismiss({ workerId, generation, reason }: Extract<Command, { kind: 'dismiss' }>): void {
    const { directory, metrics, recorder, intake, log } = this.#options;
    log.info({ workerId, generation, reason }, 'worker left');
    metrics.leaves.inc();
    // The ledger tells of members: whoever only said Hello leaves no trace in it.
    if (generation > 0) void recorder.append({ kind: 'leave', generation, step: intake.committedStep, workerId });
    const session = directory.dismiss(workerId)?.session;
    const excluded = this.#pacing.reasonAgainst(workerId);
    if (excluded === undefined) session?.end();
    else session?.refuse('STRAGGLER', excluded);
  }

  async #takeCheckpoint({ workerId, held }: Extract<Command, { kind: 'take-checkpoint' }>): Promise<void> {
    const { directory, checkpointer } = this.#options;
    const address = directory.get(workerId)?.hello.exchangeAddress ?? '';
    const failure = await checkpointer.takeAwaited({ workerId, address, held }).then(
      () => undefined,
      (caught: unknown) => TrainingError.from(caught).message,
    );
    this.dispatch({ kind: 'state-saved', workerId, failure });
  }

  #scheduleTick(): void {
    this.#timer.set(this.#isClosed ? undefined : nextDeadlineMs(this.#membership, this.#options.policy.current));
  }
}

type BodyOf<K extends CheckedMessage['kind']> = Extract<CheckedMessage, { kind: K }>['body'];
