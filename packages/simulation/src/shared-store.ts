/**
 * The store that a run lives in when its coordinators have no common disk: the real ledger with its claims, the real retries
 * and the real uploader of checkpoints, over a store in memory whose answers are late, are lost, or do not come for a while.
 * A request that is on its way takes effect also when the process that sent it is dead.
 */
import {
  CheckpointUploader,
  contentOf,
  MemoryRun,
  memoryRun,
  retriedRun,
  storeErrors,
  type FaultScript,
  type LedgerClaim,
  type RunStore,
} from '@facet/storage';
import type { CheckpointIo, Ending } from '@facet/coordinator/internal';
import { LedgerChain, LedgerReader, TrainingError, type LedgerRecord } from '@facet/shared';
import type { Logger } from '@facet/telemetry';
import type { OpenFolder, StoredCheckpoint } from './disk.js';
import type { Process, World } from './world.js';

const PLACE = 'simulated';
const RESULT = 'result.json';
const CHECKPOINTS = 'checkpoints/';
/** One way of a request. */
const TRAVEL_MS = { least: 0.2, most: 15 };
const LOST_SHARE = 0.02;
const RETRY_LIMIT_MS = 60_000;

export class SharedStore {
  readonly #world: World;
  readonly #held = new MemoryRun();
  /** States by the name of their object: what is in memory is not written as text. */
  readonly #states = new Map<string, StoredCheckpoint>();
  #outages = 0;

  constructor(world: World) {
    this.#world = world;
  }

  cutOff(): void {
    this.#outages += 1;
  }

  mend(): void {
    this.#outages -= 1;
  }

  get hasBegun(): boolean {
    return this.#held.ledgerBytes > 0;
  }

  /** The ledger as it is. */
  get records(): readonly LedgerRecord[] {
    const records: LedgerRecord[] = [];
    const reader = new LedgerReader((record) => records.push(record));
    for (const { bytes } of this.#held.appends) reader.push(bytes);
    const { damaged, tornBytes } = reader.end();
    if (damaged.length + tornBytes > 0)
      throw new Error(`the ledger of the store is damaged: ${damaged[0]?.reason ?? 'torn'}`);
    return records;
  }

  /** The newest checkpoint that is whole. */
  get checkpoint(): StoredCheckpoint | undefined {
    const names = [...this.#held.objects.keys()].filter((name) => name.startsWith(CHECKPOINTS)).sort();
    return names.length === 0 ? undefined : this.#states.get(names.at(-1)!);
  }

  /** How the run ended, if its last leader could record it. */
  get endedResult(): Ending | undefined {
    const last = this.records.at(-1);
    const text = this.#held.objects.get(RESULT);
    if (last?.kind !== 'end' || text === undefined) return undefined;
    const ending = JSON.parse(new TextDecoder().decode(text)) as Ending;
    return ending.outcome === last.reason ? ending : undefined;
  }

  /** A coordinator begins to lead: nobody else can write from now on. */
  async attach(process: Process, parts: LinkParts): Promise<StoreLink> {
    const { clock } = process;
    const run = retriedRun(memoryRun(this.#held, PLACE, { faults: this.#faultsOf(process) }), {
      clock,
      limitMs: RETRY_LIMIT_MS,
      random: () => this.#world.random.nextUniform(),
    });
    const claim = await run.ledger.claim();
    return new StoreLink({
      ...parts,
      run,
      claim,
      records: this.records,
      checkpoint: this.checkpoint,
      states: this.#states,
    });
  }

  #faultsOf(process: Process): FaultScript {
    const world = this.#world;
    const travel = (arrive: (go: () => void) => void): Promise<void> =>
      new Promise((resolve) => {
        world.schedule(world.between(TRAVEL_MS.least, TRAVEL_MS.most), () => {
          arrive(resolve);
        });
      });
    return async (_call, when) => {
      await travel((go) => {
        if (when === 'before') go();
        else process.receive(go);
      });
      if (this.#outages > 0 || world.chance(LOST_SHARE)) {
        if (when === 'before') await travel((go) => process.receive(go));
        throw storeErrors.unreachable(PLACE, when === 'before' ? '503 SlowDown' : 'the answer was lost');
      }
    };
  }
}

interface LinkParts {
  /** Called once, when the ledger cannot be written any more. */
  readonly onError: (error: TrainingError) => void;
  readonly log: Logger;
}

interface StoreLinkParts extends LinkParts {
  readonly run: RunStore;
  readonly claim: LedgerClaim;
  readonly records: readonly LedgerRecord[];
  readonly checkpoint: StoredCheckpoint | undefined;
  readonly states: Map<string, StoredCheckpoint>;
}

/** One coordinator's right to write to the store, for one term. */
export class StoreLink {
  readonly records: readonly LedgerRecord[];
  readonly checkpoint: StoredCheckpoint | undefined;
  readonly #parts: StoreLinkParts;
  readonly #chain = new LedgerChain();
  readonly #uploader: CheckpointUploader;
  readonly #local = new Map<number, StoredCheckpoint>();
  #bytes = 0;
  #last: Promise<void> = Promise.resolve();
  #failure: TrainingError | undefined;

  constructor(parts: StoreLinkParts) {
    const { run, claim, records, checkpoint, states, log } = parts;
    this.#parts = parts;
    this.records = records;
    this.checkpoint = checkpoint;
    for (const record of records) this.#bytes += Buffer.byteLength(this.#chain.append(record));
    this.#uploader = new CheckpointUploader({
      place: PLACE,
      claim,
      put: async ({ step }) => {
        const name = nameOf(step);
        states.set(name, this.#local.get(step)!);
        await run.objects.put(name, contentOf('whole'));
        return true;
      },
      prune: async ({ keep, bestStep }) => {
        const names = (await run.objects.list(CHECKPOINTS)).toReversed();
        const stays = new Set([...names.slice(0, keep), ...(bestStep === undefined ? [] : [nameOf(bestStep)])]);
        for (const name of names) if (!stays.has(name)) await run.objects.remove(name);
      },
      onStored: ({ step }) => {
        log.info({ step }, 'checkpoint stored');
      },
      onFailed: (step, { message }) => {
        log.error({ step, reason: message }, 'a checkpoint did not get to the store');
      },
    });
  }

  /** The folder of a coordinator, whose ledger the store has as well: an append resolves when both have it. */
  over(folder: OpenFolder): OpenFolder {
    const { claim } = this.#parts;
    return {
      ...folder,
      ledger: {
        records: this.records,
        append: (record) => {
          const here = folder.ledger.append(record);
          this.#last = this.#send(record, here);
          this.#last.catch(() => undefined);
          return this.#last;
        },
      },
      isHeld: async () => (await folder.isHeld()) && (await claim.isHeld()),
      settle: () => this.#uploader.settle(),
      close: async () => {
        await this.#last.catch(() => undefined);
        await this.#uploader.close();
        await folder.close();
      },
    };
  }

  /** The store gets what the folder has and it lacks. */
  begin(newest: StoredCheckpoint | undefined): void {
    if (newest === undefined) return;
    const { step } = newest.state;
    this.#local.set(step, newest);
    this.#uploader.offer({ step, path: newest.path });
  }

  storing(io: CheckpointIo): CheckpointIo {
    return {
      ...io,
      write: async (options) => {
        const written = await io.write(options);
        const { state, layout, info } = options;
        const { path, weightsSha256 } = written;
        this.#local.set(state.step, { path, state, layout, info, weightsSha256 });
        this.#uploader.offer({ step: state.step, path });
        return written;
      },
      prune: (options) => {
        this.#uploader.prune({ keep: options.keep, bestStep: options.bestStep });
        return io.prune(options);
      },
    };
  }

  async writeResult(ending: Ending): Promise<void> {
    await this.#parts.run.objects.put(RESULT, contentOf(JSON.stringify(ending)));
  }

  async #send(record: LedgerRecord, here: Promise<void>): Promise<void> {
    const before = this.#last;
    const line = new TextEncoder().encode(this.#chain.append(record));
    const at = this.#bytes;
    this.#bytes += line.byteLength;
    await Promise.all([here, before]);
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#parts.claim.append(at, line);
    } catch (caught) {
      const { code, message } = TrainingError.from(caught);
      this.#failure ??= new TrainingError(code === 'RUN_LOCKED' ? code : 'ACCOUNTING', message, { cause: caught });
      this.#parts.onError(this.#failure);
      throw this.#failure;
    }
  }
}

function nameOf(step: number): string {
  return `${CHECKPOINTS}step-${String(step).padStart(9, '0')}`;
}
