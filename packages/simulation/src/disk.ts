/**
 * A virtual disk that outlives the coordinator: a ledger whose records are safe only after a sync, and checkpoints that
 * appear whole or not at all. What was not synced when the process died is lost from some record on. While the disk is full
 * nothing can be written, and a ledger that met it is written no more by that process.
 */
import { createHash } from 'node:crypto';
import type { AssemblyFolder, CheckpointIo } from '@facet/coordinator/internal';
import {
  TrainingError,
  type CheckpointInfo,
  type LedgerRecord,
  type ParameterLayout,
  type TrainingState,
} from '@facet/shared';
import { requestState } from './exchange.js';
import type { Network } from './network.js';
import type { Process } from './world.js';

const SLOW_SYNC_SHARE = 0.03;

export interface StoredCheckpoint {
  readonly path: string;
  readonly state: TrainingState;
  readonly layout: readonly ParameterLayout[];
  readonly info: CheckpointInfo;
  readonly weightsSha256: string;
}

export class Disk {
  readonly records: LedgerRecord[] = [];
  #checkpoints: StoredCheckpoint[] = [];
  /** How many faults keep it full. */
  #fillers = 0;

  /** The newest checkpoint. */
  get checkpoint(): StoredCheckpoint | undefined {
    return this.#checkpoints.at(-1);
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

  /** The ledger as one coordinator has it open; `onError` is called once, with what every append from then on rejects with. */
  openLedger(process: Process, onError: (error: TrainingError) => void): AssemblyFolder['ledger'] {
    const { world } = process;
    const unsynced: LedgerRecord[] = [];
    let failure: TrainingError | undefined;
    const fail = (): TrainingError => {
      if (failure !== undefined) return failure;
      failure = new TrainingError('ACCOUNTING', 'cannot write the ledger: ENOSPC; mend the disk, then resume');
      unsynced.length = 0;
      onError(failure);
      return failure;
    };
    let syncedAtMs = 0;
    process.onDeath(() => {
      this.records.push(...unsynced.slice(0, world.random.nextBelow(unsynced.length + 1)));
    });
    return {
      records: [...this.records],
      append: (record) =>
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
            if (this.isFull || failure !== undefined) {
              process.receive(() => {
                reject(fail());
              });
              return;
            }
            this.records.push(...unsynced.splice(0, 1));
            process.receive(resolve);
          });
        }),
    };
  }

  /** Checkpoints as one coordinator takes them. */
  checkpointIo(network: Network, process: Process): CheckpointIo {
    const { world } = process;
    return {
      async pull({ address, step, weightsCrc: expected, timeoutMs, signal }) {
        const { weightsCrc, ...state } = await requestState({ network, process, address, step, timeoutMs, signal });
        if (state.step !== step) throw new TrainingError('STALE', `step ${state.step} came, expected ${step}`);
        if (weightsCrc === expected) return state;
        throw new TrainingError('DESYNC', `${address} handed out weights ${weightsCrc}, expected ${expected}`);
      },
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
      read: (path) => {
        const stored = this.#checkpoints.find((candidate) => candidate.path === path);
        if (stored !== undefined) return Promise.resolve({ state: stored.state });
        return Promise.reject(new TrainingError('CHECKPOINT_INVALID', `${path} is gone`));
      },
      prune: ({ keep, bestStep }) => {
        const newest = this.#checkpoints.slice(-keep);
        this.#checkpoints = this.#checkpoints.filter(
          (stored) => newest.includes(stored) || stored.state.step === bestStep,
        );
        return Promise.resolve({ removed: [] });
      },
    };
  }
}

function sha256(weights: Float32Array): string {
  return createHash('sha256')
    .update(new Uint8Array(weights.buffer, weights.byteOffset, weights.byteLength))
    .digest('hex');
}
