/**
 * Takes checkpoints beside the training: pulls the state from a worker, writes it, notes it in the ledger and prunes old
 * ones. It takes one at a time. If a periodic one is due while another is under way, it is skipped; the final one never is.
 * It also hands out the newest checkpoint's state to workers if no worker has a better one.
 */
import { pullState } from '@facet/proto';
import type { TlsIdentity } from '@facet/security';
import {
  COORDINATOR_GENERATION,
  momentsCrc,
  TrainingError,
  type CheckpointInfo,
  type Clock,
  type ParameterLayout,
  type PassSigner,
  type StateSnapshot,
  type TrainingState,
} from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import { pruneCheckpoints, writeCheckpoint, readCheckpoint } from '@facet/storage';
import type { HeldState } from '../membership/state.js';
import type { Metrics } from '../metrics/metrics.js';
import type { Recorder } from './recorder.js';

/** A checkpoint that stands on disk. */
export interface TakenCheckpoint {
  readonly held: HeldState;
  readonly path: string;
  readonly weightsSha256: string;
  /** By the clock's monotonic time. */
  readonly takenAtMs: number;
}

export interface CheckpointRequest {
  /** The worker that holds the state. */
  readonly workerId: string;
  /** Its Exchange address. */
  readonly address: string;
  readonly held: HeldState;
}

/** Where states come from and checkpoints go. */
export interface CheckpointIo {
  readonly pull: typeof pullState;
  readonly write: typeof writeCheckpoint;
  readonly read: (path: string) => Promise<{ readonly state: TrainingState }>;
  readonly prune: typeof pruneCheckpoints;
}

/** The workers' sockets and this machine's disk. */
export function machineIo(tls: TlsIdentity | undefined): CheckpointIo {
  return {
    pull: (options) => pullState({ ...options, tls }),
    write: writeCheckpoint,
    read: readCheckpoint,
    prune: pruneCheckpoints,
  };
}

export interface CheckpointerOptions {
  readonly io: CheckpointIo;
  readonly folder: string;
  readonly keep: number;
  readonly run: string;
  /** Whether a state has the average of the weights in it. */
  readonly hasAverage: boolean;
  /** Makes what is shown when a state is pulled. */
  readonly passes: Pick<PassSigner, 'forState'>;
  readonly pullTimeoutMs: number;
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly metrics: Pick<Metrics, 'checkpointSeconds' | 'checkpointFailures'>;
  readonly log: Logger;
  readonly latest: TakenCheckpoint | undefined;
  readonly layout: () => readonly ParameterLayout[] | undefined;
  /** What the ledger says of the moments after a step; undefined when it says nothing. */
  readonly momentsCrcOf: (step: number) => number | undefined;
  /** Everything but step and time. */
  readonly describe: (step: number) => Omit<CheckpointInfo, 'step' | 'at' | 'run'>;
  readonly bestStep: () => number | undefined;
  readonly onTaken: (taken: TakenCheckpoint) => void;
  /** A checkpoint proved that the weights are not what was committed. */
  readonly onDesync: (error: TrainingError) => void;
}

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  readonly #abort = new AbortController();
  #latest: TakenCheckpoint | undefined;
  #underWay: Promise<void> | undefined;
  #failure: string | undefined;
  #loaded: { readonly step: number; readonly state: Promise<StateSnapshot> } | undefined;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#latest = options.latest;
  }

  get latest(): TakenCheckpoint | undefined {
    return this.#latest;
  }

  /** Whether a checkpoint is being taken. */
  get isTaking(): boolean {
    return this.#underWay !== undefined;
  }

  /** Why the newest attempt failed; undefined when it did not. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Takes a checkpoint unless one is under way; a failure is logged and training goes on. */
  takePeriodic(request: CheckpointRequest): void {
    const { log } = this.#options;
    const { step } = request.held;
    if (this.#underWay !== undefined) {
      log.info({ step }, 'checkpoint skipped: another one is under way');
      return;
    }
    void this.#enqueue(request).catch((caught: unknown) => {
      const error = TrainingError.from(caught);
      if (error.code === 'DESYNC') this.#options.onDesync(error);
      else log.error({ step, code: error.code, reason: error.message }, 'checkpoint failed; training goes on');
    });
  }

  /** Takes a checkpoint that somebody waits for, after any that is under way. */
  async takeAwaited(request: CheckpointRequest): Promise<void> {
    await this.#underWay;
    if (this.#latest?.held.step === request.held.step) return;
    await this.#enqueue(request);
  }

  /**
   * The state of the newest checkpoint, read once for all workers that ask at the same time.
   *
   * @throws TrainingError STALE when another step is asked for.
   */
  async stateOf(step: number): Promise<StateSnapshot> {
    const latest = this.#latest;
    if (latest?.held.step !== step) {
      throw new TrainingError(
        'STALE',
        `the coordinator holds the state after step ${latest?.held.step ?? 'none'}, not ${step}`,
      );
    }
    if (this.#loaded?.step !== step) {
      const { weightsCrc } = latest.held;
      const reading = this.#options.io.read(latest.path);
      this.#loaded = {
        step,
        state: reading.then(({ state }) => ({ ...state, weightsCrc, momentsCrc: momentsCrc(state) })),
      };
    }
    return this.#loaded.state;
  }

  /** Frees the memory of a state that was handed out. */
  release(): void {
    this.#loaded = undefined;
  }

  /** Waits until nothing is under way; a pull that has not come far is given up. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#underWay;
  }

  /** Runs after what is under way, and is what is under way until it is done. */
  #enqueue(request: CheckpointRequest): Promise<void> {
    const taking = this.#take(request);
    const settled = taking.then(
      () => {
        this.#failure = undefined;
      },
      (caught: unknown) => {
        if (this.#abort.signal.aborted) return;
        this.#failure = `step ${request.held.step}: ${TrainingError.from(caught).message}; ${this.#newest}`;
        this.#options.metrics.checkpointFailures.inc();
      },
    );
    this.#underWay = settled;
    void settled.then(() => {
      if (this.#underWay === settled) this.#underWay = undefined;
    });
    return taking;
  }

  get #newest(): string {
    const { step } = this.#latest?.held ?? {};
    return step === undefined ? 'the run has no checkpoint' : `the newest checkpoint is of step ${step}`;
  }

  async #take({ workerId, address, held }: CheckpointRequest): Promise<void> {
    const { io, folder, keep, run, passes, hasAverage, clock, recorder, metrics, log, pullTimeoutMs } = this.#options;
    const layout = this.#options.layout();
    if (layout === undefined) throw new TrainingError('INTERNAL', 'no worker has said what its parameters are');
    const { step, weightsCrc } = held;
    const startedMs = clock.now();
    const shape = { parameters: layout.reduce((sum, { length }) => sum + length, 0), hasAverage };
    const { signal } = this.#abort;
    // This includes the commit of the checkpoint's step: it was taken in before the checkpoint was asked for.
    const recorded = recorder.settled();
    const expected = { weightsCrc, momentsCrc: this.#options.momentsCrcOf(step) };
    const pull = {
      peer: `worker ${workerId}`,
      address,
      run,
      pass: passes.forState({ run, generation: COORDINATOR_GENERATION, step }),
      step,
      shape,
      expected,
      timeoutMs: pullTimeoutMs,
      signal,
    };
    const state = await io.pull(pull);
    const info = { ...this.#options.describe(step), run, step, at: clock.wallTime() };
    // A checkpoint that is ahead of the ledger could not be resumed from.
    if (!(await recorded))
      throw new TrainingError('ACCOUNTING', `step ${step} is not in the ledger, which cannot be written`);
    const written = await io.write({ folder, state, layout, info });
    await recorder.append({ kind: 'checkpoint', step, weightsSha256: written.weightsSha256 });
    const takenAtMs = clock.now();
    metrics.checkpointSeconds.observe((takenAtMs - startedMs) / 1_000);
    const taken = { held, path: written.path, weightsSha256: written.weightsSha256, takenAtMs };
    if (step >= (this.#latest?.held.step ?? 0)) this.#latest = taken;
    log.info({ step, path: written.path, bytes: written.bytes }, 'checkpoint written');
    this.#options.onTaken(taken);
    await io.prune({ folder, keep, bestStep: this.#options.bestStep() }).catch((caught: unknown) => {
      log.warn({ reason: TrainingError.from(caught).message }, 'old checkpoints were not removed');
    });
  }
}
