/**
 * Carries out what an operator orders: end the run, let a worker go, take a checkpoint now. It decides nothing of its own; it
 * makes the events that a signal, a leaving worker and a due checkpoint would make.
 */
import { TrainingError, type Clock } from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import type { CheckedOrder, OrderOutcome } from '../grpc/operator-session.js';
import type { Metrics } from '../metrics/metrics.js';
import type { TakenCheckpoint } from './checkpointer.js';
import type { Conductor } from './conductor.js';
import type { Intake } from './intake.js';
import { farewellMessage } from './wire-commands.js';
import type { WorkerDirectory } from './worker-directory.js';

export interface OperationsOptions {
  readonly conductor: Pick<Conductor, 'dispatch' | 'membership'>;
  readonly directory: WorkerDirectory;
  readonly intake: Pick<Intake, 'committedStep'>;
  readonly totalSteps: () => number;
  /** Whether a checkpoint is being taken. */
  readonly isTaking: () => boolean;
  /** False as soon as another coordinator may lead. */
  readonly isLeading: () => boolean;
  /** Longest wait for a checkpoint. */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, 'countOrder'>;
  readonly log: Logger;
}

/** Where a checkpoint is due that an operator wants. */
interface Aim {
  readonly generation: number;
  readonly step: number;
}

interface Waiting {
  /** A checkpoint of an earlier step is not what was asked for. */
  readonly fromStep: number;
  readonly settle: (taken: TakenCheckpoint | undefined) => void;
}

/** A member can be one step further than it has reported, and at the next one when it is told. */
const STEPS_AHEAD = 3;

export class Operations {
  readonly #options: OperationsOptions;
  readonly #waiting = new Set<Waiting>();
  #aim: Aim | undefined;

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /** @throws TrainingError why the order cannot be carried out. */
  async obey(order: CheckedOrder): Promise<OrderOutcome> {
    const { conductor, intake, metrics, log } = this.#options;
    this.#requireLead();
    log.info({ ...order, order: order.kind, step: intake.committedStep }, 'an operator gave an order');
    metrics.countOrder(order.kind);
    switch (order.kind) {
      case 'stop':
        conductor.dispatch({ kind: 'stop-requested', reason: withReason('an operator stopped the run', order) });
        return { message: 'the run ends with a checkpoint', step: intake.committedStep };
      case 'drain':
        return this.#drain(order);
      case 'checkpoint':
        return this.checkpoint();
      default:
        return order satisfies never;
    }
  }

  /**
   * Takes a checkpoint now, for whoever asks.
   *
   * @throws TrainingError why there is none: STALE or CANCELLED at once, STEP_TIMEOUT after the longest wait.
   */
  async checkpoint(): Promise<OrderOutcome> {
    this.#requireLead();
    const { conductor, intake, clock, patienceMs } = this.#options;
    const { phase } = conductor.membership;
    if (phase.kind !== 'running') {
      throw new TrainingError(
        'STALE',
        `no worker trains now (the run is ${phase.kind}), so there is no state to take; try again when it trains`,
      );
    }
    const found = await new Promise<TakenCheckpoint | undefined>((resolve) => {
      const giveUp = clock.schedule(patienceMs, () => {
        this.#waiting.delete(waiting);
        resolve(undefined);
      });
      const settle = (taken: TakenCheckpoint | undefined): void => {
        giveUp();
        resolve(taken);
      };
      const waiting: Waiting = { fromStep: Math.max(intake.committedStep, 1), settle };
      this.#waiting.add(waiting);
      this.#aimPast(intake.committedStep);
    });
    if (found === undefined) {
      throw new TrainingError(
        'STEP_TIMEOUT',
        `no checkpoint was taken within ${patienceMs} ms, or the run has ended; see the log of the coordinator, and try again`,
      );
    }
    return { message: `checkpoint in ${found.path}`, step: found.held.step };
  }

  /** Whether a checkpoint of a step is wanted. Asked for every step that a member has done. */
  isWanted(step: number): boolean {
    if (this.#waiting.size === 0) return false;
    const { generation } = this.#options.conductor.membership;
    if (this.#aim?.generation === generation && step <= this.#aim.step) return step === this.#aim.step;
    // The generation that it was aimed at is over, or the checkpoint was not taken.
    if (!this.#options.isTaking()) this.#aimPast(step);
    return false;
  }

  /** Nothing is taken any more. */
  close(): void {
    for (const { settle } of this.#waiting) settle(undefined);
    this.#waiting.clear();
  }

  /** A checkpoint stands. */
  onTaken(taken: TakenCheckpoint): void {
    for (const waiting of this.#waiting) {
      if (taken.held.step < waiting.fromStep) continue;
      this.#waiting.delete(waiting);
      waiting.settle(taken);
    }
  }

  #drain({ workerId, ...order }: Extract<CheckedOrder, { kind: 'drain' }>): OrderOutcome {
    const { conductor, directory, intake } = this.#options;
    const worker = directory.get(workerId);
    if (worker === undefined) {
      const known = [...directory.all.keys()].slice(0, 16).join(', ') || 'none';
      throw new TrainingError('CONFIG_INVALID', `there is no worker ${workerId}; connected are: ${known}`);
    }
    const reason = withReason('an operator drained it', order);
    worker.farewell = farewellMessage(reason);
    conductor.dispatch({ kind: 'leave-requested', workerId, reason });
    const message = directory.get(workerId) === undefined ? 'has left' : 'leaves when its generation has drained';
    return { message: `worker ${workerId} ${message}`, step: intake.committedStep };
  }

  /** @throws TrainingError STALE where another coordinator leads, CANCELLED when the run is over. */
  #requireLead(): void {
    const { conductor, isLeading } = this.#options;
    const { phase } = conductor.membership;
    if (!isLeading()) throw new TrainingError('STALE', 'this coordinator does not lead the run; ask the one that does');
    if (phase.kind === 'ended' || (phase.kind === 'stopping' && phase.ending.outcome !== 'handed-over')) {
      throw new TrainingError('CANCELLED', 'the run is over, or is being stopped; there is nothing to do');
    }
  }

  /** Has rank 0 keep its state after a step that it has not done yet. */
  #aimPast(reachedStep: number): void {
    const { conductor, directory, totalSteps } = this.#options;
    const { phase, workers } = conductor.membership;
    if (phase.kind !== 'running') return;
    const { generation, members } = phase;
    const reported = members.map((workerId) => workers.get(workerId)?.held?.step ?? 0);
    const step = Math.min(Math.max(reachedStep, ...reported) + STEPS_AHEAD, totalSteps());
    this.#aim = { generation, step };
    directory.send(members[0] ?? '', { keepState: { generation, step } });
  }
}

function withReason(what: string, { reason }: { readonly reason: string }): string {
  return reason === '' ? what : `${what}: ${reason}`;
}
