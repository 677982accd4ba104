/**
 * The workers of a launch. If one dies of something that may pass, another is started in its place after a wait that doubles
 * each time, for as long as the launch has restarts left. One that ended in order, or that failed of what its successor
 * would fail of too, is not replaced.
 */
import type { TrainingError } from '@facet/shared';
import { EXIT } from '../exit-codes.js';
import type { Child } from './child-process.js';

/** The first wait before a restart. */
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 30_000;
/** What a shell reports for a command that cannot be started. */
const NOT_STARTED = 127;

/** A process that died while the run needed it. */
export interface WorkerDeath {
  readonly worker: Child;
  /** In a few words. */
  readonly how: string;
  /** Workers that live now. */
  readonly living: number;
  readonly restart: Restart;
}

export type Restart =
  | { readonly kind: 'later'; readonly number: number; readonly of: number; readonly waitMs: number }
  /** Its successor would fail too. */
  | { readonly kind: 'pointless' }
  /** None is left. */
  | { readonly kind: 'used-up'; readonly of: number };

/** Why a process ended, as it says itself or as its exit code shows. */
export interface WorkerFailure {
  readonly how: string;
  /** The error that it states. */
  readonly error: TrainingError | undefined;
  /** It took part to the end, and that was a failed one: the coordinator says why. */
  readonly isOutcome: boolean;
}

export interface CrewOptions {
  /** Workers to begin with. */
  readonly count: number;
  readonly maxRestarts: number;
  /** Starts a worker; the index counts over the life of the launch. */
  readonly start: (index: number) => Child;
  readonly failureOf: (worker: Child) => Promise<WorkerFailure>;
  /** The run needs no more workers. */
  readonly isOver: () => boolean;
  readonly onDied: (death: WorkerDeath) => void;
  readonly wait: (ms: number) => Promise<unknown>;
}

export class WorkerCrew {
  /** Resolves when no worker lives and none is going to be started. */
  readonly gone: Promise<void>;
  readonly #options: CrewOptions;
  #resolveGone: () => void = () => undefined;
  #started = 0;
  #living = 0;
  #restarts = 0;
  #awaited = 0;
  #firstFailed: Child | undefined;

  constructor(options: CrewOptions) {
    this.#options = options;
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    for (let worker = 0; worker < options.count; worker += 1) this.#start();
  }

  /** Workers that were started in the place of others. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Workers that were started, the first ones and those in their place. */
  get started(): number {
    return this.#started;
  }

  /** The worker that failed first. */
  get firstFailed(): Child | undefined {
    return this.#firstFailed;
  }

  #start(): void {
    const worker = this.#options.start(this.#started);
    this.#started += 1;
    this.#living += 1;
    this.#awaited += 1;
    void this.#follow(worker);
  }

  async #follow(worker: Child): Promise<void> {
    const { code } = await worker.ended;
    this.#living -= 1;
    if (!(await this.#isOrderly(worker, code))) await this.#onFailure(worker, code);
    this.#awaited -= 1;
    if (this.#awaited === 0) this.#resolveGone();
  }

  /** It has finished, was stopped, or left because somebody told it to. */
  async #isOrderly(worker: Child, code: number): Promise<boolean> {
    if (code === EXIT.ok || code === EXIT.interrupted) return true;
    return code === EXIT.again && (await this.#options.failureOf(worker)).isOutcome;
  }

  async #onFailure(worker: Child, code: number): Promise<void> {
    const { failureOf, isOver, onDied, wait } = this.#options;
    this.#firstFailed ??= worker;
    if (isOver()) return;
    const failure = await failureOf(worker);
    if (failure.isOutcome || isOver()) return;
    const restart = this.#plan(failure, code);
    onDied({ worker, how: failure.how, living: this.#living, restart });
    if (restart.kind !== 'later') return;
    await wait(restart.waitMs);
    if (!isOver()) this.#start();
  }

  #plan({ error }: WorkerFailure, code: number): Restart {
    const { maxRestarts } = this.#options;
    if (code === NOT_STARTED || (error !== undefined && !mayPass(error))) return { kind: 'pointless' };
    if (this.#restarts >= maxRestarts) return { kind: 'used-up', of: maxRestarts };
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** this.#restarts, LONGEST_WAIT_MS);
    this.#restarts += 1;
    return { kind: 'later', number: this.#restarts, of: maxRestarts, waitMs };
  }
}

/** What becomes of the place of a worker that died. */
export function restartNote(restart: Restart): string {
  switch (restart.kind) {
    case 'later':
      return `another one starts in ${restart.waitMs / 1_000} s (restart ${restart.number} of ${restart.of})`;
    case 'pointless':
      return 'another one would fail of the same, so none is started';
    case 'used-up':
      return `no more are started (--max-restarts ${restart.of})`;
    default:
      return restart satisfies never;
  }
}

/** Whether the next worker may be spared of an error: that of a machine or a network, not of what it was told. */
function mayPass({ code, isRetryable }: TrainingError): boolean {
  if (isRetryable) return true;
  return ['BROKER_UNREACHABLE', 'COORDINATOR_UNREACHABLE', 'INTERNAL', 'PORT_BUSY'].includes(code);
}
