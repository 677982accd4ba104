/**
 * Copies the checkpoints of a run's folder into its store, beside the training: whoever takes a checkpoint goes on as soon
 * as it is on this machine. One upload at a time, in order. If another checkpoint is taken meanwhile, those that wait and are
 * neither the newest nor the best are left out, so that a slow store does not fall behind for ever.
 */
import { TrainingError } from '@facet/shared';
import { CHECKPOINTS_FOLDER } from '../run-files.js';
import type { LedgerClaim, RunStore } from '../store/run-store.js';
import { fenced } from '../store/store-errors.js';
import { pruneStored, storeCheckpoint, type PruneStoredOptions } from './stored-checkpoint.js';

export interface LocalCheckpoint {
  readonly step: number;
  /** Of its folder on this machine. */
  readonly path: string;
}

export interface UploaderOptions {
  /** Of the store, for messages. */
  readonly place: string;
  /** Puts a checkpoint into the store; false when it was there. */
  readonly put: (checkpoint: LocalCheckpoint) => Promise<boolean>;
  /** Removes checkpoints from the store. */
  readonly prune: (options: PruneStoredOptions) => Promise<unknown>;
  readonly claim: Pick<LedgerClaim, 'isHeld'>;
  readonly onStored: (stored: LocalCheckpoint & { readonly isNew: boolean }) => void;
  /** An upload failed; the checkpoint is on this machine, and the next one is tried. */
  readonly onFailed: (step: number, error: TrainingError) => void;
}

/** How checkpoints of a folder get into a store and out of it. */
export function shelfOf({ objects, place }: RunStore): Pick<UploaderOptions, 'place' | 'put' | 'prune'> {
  return {
    place,
    put: ({ step, path }) => storeCheckpoint({ objects, shelf: CHECKPOINTS_FOLDER, step, path }),
    prune: (options) => pruneStored(objects, CHECKPOINTS_FOLDER, options),
  };
}

export class CheckpointUploader {
  readonly #options: UploaderOptions;
  #waiting: LocalCheckpoint[] = [];
  #newest: LocalCheckpoint | undefined;
  #storedStep = -1;
  #pruning: PruneStoredOptions | undefined;
  #working: Promise<void> | undefined;
  #failure: TrainingError | undefined;
  #isClosed = false;

  constructor(options: UploaderOptions) {
    this.#options = options;
  }

  /** Begins to store a checkpoint when those before it are done. Never waits, never throws. */
  offer(checkpoint: LocalCheckpoint): void {
    if (this.#isClosed) return;
    if (this.#newest === undefined || checkpoint.step >= this.#newest.step) this.#newest = checkpoint;
    const best = this.#pruning?.bestStep;
    this.#waiting = [...this.#waiting.filter(({ step }) => step === best), checkpoint];
    this.#work();
  }

  /** Which checkpoints stay in the store from now on. */
  prune(options: PruneStoredOptions): void {
    this.#pruning = options;
    this.#work();
  }

  /**
   * Resolves when the newest checkpoint is in the store.
   *
   * @throws TrainingError why it is not.
   */
  async settle(): Promise<void> {
    await this.#working;
    if (this.#newest === undefined || this.#storedStep >= this.#newest.step || this.#isClosed) return;
    this.offer(this.#newest);
    await this.#working;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Begins nothing more, and waits for the upload that is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#waiting = [];
    await this.#working;
  }

  #work(): void {
    this.#working ??= this.#run().finally(() => {
      this.#working = undefined;
    });
  }

  async #run(): Promise<void> {
    // What is offered together is looked at together.
    await Promise.resolve();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) await this.#store(next);
    const pruning = this.#pruning;
    if (pruning === undefined || this.#isClosed || this.#failure !== undefined) return;
    const { claim, prune } = this.#options;
    try {
      if (await claim.isHeld()) await prune(pruning);
    } catch {
      // The next checkpoint prunes again.
    }
  }

  async #store(checkpoint: LocalCheckpoint): Promise<void> {
    const { place, claim, put, onStored, onFailed } = this.#options;
    const { step } = checkpoint;
    try {
      if (!(await claim.isHeld())) throw fenced(place);
      const isNew = await put(checkpoint);
      this.#storedStep = Math.max(this.#storedStep, step);
      this.#failure = undefined;
      onStored({ ...checkpoint, isNew });
    } catch (caught) {
      this.#failure = TrainingError.from(caught);
      onFailed(step, this.#failure);
    }
  }
}
