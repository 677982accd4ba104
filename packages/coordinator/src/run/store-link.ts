/**
 * What ties the folder of a run to the run's store: the right to write there, the checkpoints that are on their way, and the
 * documents. A checkpoint is taken when it is in the folder; that it gets to the store is not waited for until the run ends.
 */
import {
  hasStoredLedger,
  attachRun,
  CheckpointUploader,
  contentOf,
  shelfOf,
  RESULT_FILE,
  storeDocuments,
} from '@facet/storage';
import type { AttachedRun, Checkpoint, LedgerClaim, RunStore } from '@facet/storage';
import type { Logger } from '@facet/telemetry';
import type { CheckpointIo } from './checkpointer.js';

export interface StoreLinkOptions {
  /** Exists, and this process holds its lock. */
  readonly folder: string;
  readonly log: Logger;
}

export class StoreLink {
  readonly #store: RunStore;
  readonly #folder: string;
  readonly #attached: AttachedRun;
  readonly #uploader: CheckpointUploader;

  private constructor(store: RunStore, attached: AttachedRun, { folder, log }: StoreLinkOptions) {
    this.#store = store;
    this.#folder = folder;
    this.#attached = attached;
    this.#uploader = new CheckpointUploader({
      ...shelfOf(store),
      claim: attached.claim,
      onStored: ({ step, isNew }) => {
        if (isNew) log.info({ step, store: store.place }, 'checkpoint stored');
      },
      onFailed: (step, { code, message }) => {
        log.error({ step, code, reason: message }, 'a checkpoint did not get to the store; it is in the folder');
      },
    });
  }

  /** Claims the run in the store, and brings the folder up to date. From now on no other process writes there. */
  static async open(store: RunStore, options: StoreLinkOptions): Promise<StoreLink> {
    return new StoreLink(store, await attachRun(store, options.folder), options);
  }

  get claim(): LedgerClaim {
    return this.#attached.claim;
  }

  get warnings(): readonly string[] {
    return this.#attached.warnings;
  }

  /** Checkpoints of the folder, which are stored afterwards. */
  storing(io: CheckpointIo): CheckpointIo {
    const uploader = this.#uploader;
    return {
      ...io,
      async write(options) {
        const written = await io.write(options);
        uploader.offer({ step: options.state.step, path: written.path });
        return written;
      },
      prune(options) {
        uploader.prune({ keep: options.keep, bestStep: options.bestStep });
        return io.prune(options);
      },
    };
  }

  /** The folder has its key and its configuration: the store gets what it lacks, also the folder's newest checkpoint. */
  async begin(newest: Checkpoint | undefined): Promise<void> {
    await this.putDocuments();
    if (newest !== undefined) this.#uploader.offer({ step: newest.state.step, path: newest.path });
  }

  putDocuments(): Promise<void> {
    return storeDocuments(this.#store, this.#folder);
  }

  putResult(text: string): Promise<void> {
    return this.#store.objects.put(RESULT_FILE, contentOf(text));
  }

  settle(): Promise<void> {
    return this.#uploader.settle();
  }

  /** Removes what a run that has not begun has put into the store. */
  async discard(): Promise<void> {
    await this.#uploader.close();
    if (await hasStoredLedger(this.#store)) return;
    const { objects } = this.#store;
    for (const name of await objects.list('')) await objects.remove(name);
  }

  async close(): Promise<void> {
    await this.#uploader.close();
    await this.#attached.claim.release();
  }
}
