/**
 * A virtual disk that outlives coordinators: a ledger whose records are safe only after a sync, and checkpoints that
 * appear whole or not at all. What was not synced when the process died is lost from some record on. While the disk is full
 * nothing can be written, and a ledger that met it is written no more by that process. Whoever opens the ledger is its writer; what the
 * writer before appends from then on is in no file.
 */
import { createHash } from 'node:crypto';
import {
  RunKey,
  type AssemblyFolder,
  type CheckpointIo,
  type Ending,
  type Leadership,
} from '@facet/coordinator/internal';
import {
  TrainingError,
  type CheckpointInfo,
  type LedgerRecord,
  type ParameterLayout,
  type TrainingState,
} from '@facet/shared';
import { pullStateOver } from './exchange.js';
import type { Network } from './network.js';
import type { Process } from './world.js';

const SLOW_SYNC_SHARE = 0.03;
/** How long a question to the disk takes. */
const ANSWER_MS = { least: 0.1, most: 3 };
const NO_SPACE = new TrainingError('ACCOUNTING', 'cannot write the ledger: ENOSPC; mend the disk, then resume');
const TAKEN_OVER = new TrainingError('RUN_LOCKED', 'another coordinator has taken over the ledger');

interface Writer {
  readonly process: Process;
  readonly flush: () => void;
}

export interface OpenOptions {
  readonly process: Process;
  readonly lock: Leadership['lock'];
  /** Called once, with what every append from then on rejects with. */
  readonly onError: (error: TrainingError) => void;
}

export interface OpenFolder {
  readonly ledger: AssemblyFolder['ledger'] & { readonly records: readonly LedgerRecord[] };
  readonly isHeld: () => Promise<boolean>;
  readonly settle: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface StoredCheckpoint {
  readonly path: string;
  readonly state: TrainingState;
  readonly layout: readonly ParameterLayout[];
  readonly info: CheckpointInfo;
  readonly weightsSha256: string;
}

export class Disk {
  readonly records: LedgerRecord[] = [];
  /** Of its run. */
  readonly key = new RunKey(new Uint8Array(32));
  #ending: Ending | undefined;
  #checkpoints: StoredCheckpoint[] = [];
  /** How many faults keep it full. */
  #fillers = 0;
  #writer: Writer | undefined;

  /** The newest checkpoint. */
  get checkpoint(): StoredCheckpoint | undefined {
    return this.#checkpoints.at(-1);
  }

  /** What a coordinator finds in the run's store when it begins to lead: the disk has that, and nothing else, from then on. */
  takeOver(records: readonly LedgerRecord[], checkpoint: StoredCheckpoint | undefined): void {
    this.records.splice(0, this.records.length, ...records);
    if (checkpoint !== undefined && checkpoint.state.step > (this.checkpoint?.state.step ?? -1)) {
      this.#checkpoints.push(checkpoint);
    }
  }

  /** How the run ended, if its last leader could record it. */
  get endedResult(): Ending | undefined {
    const last = this.records.at(-1);
    return last?.kind === 'end' && last.reason === this.#ending?.outcome ? this.#ending : undefined;
  }

  /** Whether the folder's lock is that of a living process. */
  get isLocked(): boolean {
    return this.#writer?.process.isDead === false;
  }

  /** What a process asks the disk is answered a little later, and never once the process is dead. */
  async ask<T>(process: Process, answer: () => T): Promise<T> {
    const { world } = process;
    await new Promise<void>((resolve) => {
      world.schedule(world.between(ANSWER_MS.least, ANSWER_MS.most), () => {
        process.receive(resolve);
      });
    });
    return answer();
  }

  writeResult(process: Process, ending: Ending): Promise<void> {
    return new Promise((resolve, reject) => {
      process.world.schedule(process.world.between(0.2, 5), () => {
        if (process.isDead) return;
        if (!this.isFull) this.#ending = ending;
        process.receive(
          this.isFull
            ? () => {
                reject(NO_SPACE);
              }
            : resolve,
        );
      });
    });
  }

  get isFull(): boolean {
    return this.#fillers > 0;
  }

  fill(): void {
    this.#fillers += 1;
  }

  free(): void {
    this.#fillers -= 1;
  }

  /**
   * The run's folder as one coordinator has it open.
   *
   * @throws TrainingError RUN_LOCKED when another process has it and may not be replaced.
   */
  open({ process, lock, onError }: OpenOptions): OpenFolder {
    const { world } = process;
    const before = this.#writer;
    if (lock === 'respect' && before !== undefined && !before.process.isDead) {
      throw new TrainingError('RUN_LOCKED', `${before.process.name} is at work`);
    }
    const unsynced: LedgerRecord[] = [];
    /** Some of what was on its way to the disk is there. */
    const flush = (): void => {
      const records = unsynced.splice(0);
      if (this.#writer !== own) return;
      this.records.push(...records.slice(0, world.random.nextBelow(records.length + 1)));
    };
    const own = { process, flush };
    const release = (): void => {
      if (this.#writer === own) this.#writer = undefined;
    };
    before?.flush();
    this.#writer = own;
    let failure: TrainingError | undefined;
    const fail = (error: TrainingError): TrainingError => {
      if (failure !== undefined) return failure;
      failure = error;
      unsynced.length = 0;
      onError(failure);
      return failure;
    };
    let syncedAtMs = 0;
    let lastAppend: Promise<unknown> = Promise.resolve();
    process.onDeath(flush);
    const append = (record: LedgerRecord): Promise<void> =>
      new Promise((resolve, reject) => {
        if (process.isDead) return;
        if (failure !== undefined) {
          reject(failure);
          return;
        }
        unsynced.push(record);
        const delayMs = world.chance(SLOW_SYNC_SHARE) ? world.between(20, 400) : world.between(0.2, 5);
        syncedAtMs = Math.max(syncedAtMs, world.nowMs + delayMs);
        world.schedule(syncedAtMs - world.nowMs, () => {
          if (process.isDead) return;
          const isTaken = this.#writer !== own;
          if (isTaken || this.isFull || failure !== undefined) {
            process.receive(() => {
              reject(fail(isTaken ? TAKEN_OVER : NO_SPACE));
            });
            return;
          }
          this.records.push(...unsynced.splice(0, 1));
          process.receive(resolve);
        });
      });
    const ledger: OpenFolder['ledger'] = {
      records: [...this.records],
      append(record) {
        const appended = append(record);
        lastAppend = appended.catch(() => undefined);
        return appended;
      },
    };
    return {
      ledger,
      isHeld: () => this.ask(process, () => this.#writer === own),
      settle: () => Promise.resolve(),
      async close() {
        await lastAppend;
        release();
      },
    };
  }

  /** Checkpoints as one coordinator takes them. */
  checkpointIo(network: Network, process: Process): CheckpointIo {
    const { world } = process;
    return {
      pull: pullStateOver(network, process),
      write: ({ state, layout, info }) =>
        new Promise((resolve, reject) => {
          const weightsSha256 = sha256(state.weights);
          const path = `checkpoints/${state.step}`;
          world.schedule(world.between(1, 80), () => {
            if (process.isDead) return;
            if (this.isFull) {
              process.receive(() => {
                reject(new TrainingError('INTERNAL', `cannot write checkpoint ${path}: ENOSPC`));
              });
              return;
            }
            const others = this.#checkpoints.filter((stored) => stored.path !== path);
            const stored = { path, state, layout, info, weightsSha256 };
            this.#checkpoints = [...others, stored].sort((a, b) => a.state.step - b.state.step);
            process.receive(() => {
              resolve({ path, weightsSha256, bytes: 0, seconds: 0, isNew: true });
            });
          });
        }),
      read: (path) =>
        this.ask(process, () => {
          const stored = this.#checkpoints.find((candidate) => candidate.path === path);
          if (stored !== undefined) return { state: stored.state };
          throw new TrainingError('CHECKPOINT_INVALID', `${path} is gone`);
        }),
      prune: ({ keep, bestStep }) =>
        this.ask(process, () => {
          const newest = this.#checkpoints.slice(-keep);
          this.#checkpoints = this.#checkpoints.filter(
            (stored) => newest.includes(stored) || stored.state.step === bestStep,
          );
          return { removed: [] };
        }),
    };
  }
}

function sha256(weights: Float32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength))
    .digest('hex');
}
