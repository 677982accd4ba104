/**
 * A run with a leader, a standby and workers as processes of their own, as on several machines: the broker is a real one and outlives
 * them all. What a test does to them is its own affair; everything ends with the run.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach } from 'vitest';
import { readLedgerRecords, type LedgerRecord } from '@facet/shared';
import { startBroker, type TestBroker } from '../../packages/coordinator/test/broker.js';
import { deleteStream } from '../../packages/coordinator/test/delete-stream.js';
import {
  committedSteps,
  MNIST_ON_CPU,
  openWorkspace,
  tokenOf,
  parseJson,
  until,
  type RunningCommand,
  type TrainingSummary,
  type Workspace,
} from '../testkit/facet.js';

/** How long a process may take to start, or the first steps to come, on a busy machine. */
const START_MS = 240_000;
const RUN = 'contended';
const WORKERS = 2;
const SETTINGS = [
  'samples.train=1000',
  'samples.test=100',
  'checkpoint.everySteps=5',
  'batch.global=64',
  'batch.micro=16',
  'engine.threads=1',
  // Tests share their machine: nobody is given up because it was slow for a moment.
  'timeouts.heartbeatMs=4000',
  'timeouts.gatherMs=300000',
].flatMap((setting) => ['--set', setting]);
const TRAINING = [...MNIST_ON_CPU, '--epochs', '2', ...SETTINGS];

/** Samples of the whole run. */
export const CLEAN = { expected: 2_000, committed: 2_000, missing: 0, duplicated: 0 };

interface Contenders {
  readonly leader: RunningCommand;
  readonly standby: RunningCommand;
  readonly workers: readonly RunningCommand[];
}

/** A store that leader and standby share instead of a disk. */
export interface SharedStore {
  readonly place: (broker: TestBroker) => string;
  readonly env?: Readonly<Record<string, string>>;
}

export class ContendedRun implements AsyncDisposable {
  readonly broker: TestBroker;
  readonly workspace: Workspace;
  readonly #store: SharedStore | undefined;

  private constructor(broker: TestBroker, workspace: Workspace, store: SharedStore | undefined) {
    this.broker = broker;
    this.workspace = workspace;
    this.#store = store;
  }

  /** With a store, the standby has another folder of runs than the leader, and it is empty. */
  static async open(store?: SharedStore): Promise<ContendedRun> {
    return new ContendedRun(await startBroker(), await openWorkspace(), store);
  }

  /** The name of the run in the store. */
  get place(): string {
    return `${this.#store?.place(this.broker)}/${RUN}`;
  }

  /** The folder of runs of a process on another machine. */
  otherRuns(name: string): string {
    return this.#store === undefined ? this.workspace.runs : path.join(this.workspace.folder, name);
  }

  /** The environment of every command that uses the store. */
  get storeEnv(): Readonly<Record<string, string>> {
    return { ...this.#store?.env, FACET_CACHE: path.join(this.workspace.folder, 'cache') };
  }

  /** The result of the same training that nobody disturbed, by one worker: the bits are the same for any number. */
  async calm(): Promise<TrainingSummary> {
    const up = ['up', ...TRAINING, '--workers', '1', '--run', 'calm', '--json'];
    return parseJson(await this.workspace.run(up));
  }

  /** Starts everything; returns when so many steps are committed. */
  async trainFor(steps: number): Promise<Contenders> {
    const leader = await this.#lead();
    const standby = await this.#standBy();
    const address = await this.#address(leader);
    const workers = Array.from({ length: WORKERS }, () =>
      this.workspace.start(['worker', '--coordinator', address, '--json'], tokenOf(this.workspace, RUN)),
    );
    await until(`${steps} steps are committed`, async () => (await committedSteps(this.#folder)) >= steps, START_MS);
    return { leader, standby, workers };
  }

  /** Starts a coordinator of a new run; returns when it says where it is. */
  async #lead(): Promise<RunningCommand> {
    const leader = this.#coordinator({}, ...TRAINING, '--workers', String(WORKERS));
    await this.#address(leader);
    return leader;
  }

  /** Starts a standby; returns when it has seen who leads. */
  async #standBy(): Promise<RunningCommand> {
    const standby = this.#coordinator({ FACET_RUNS: this.otherRuns('standby') }, '--standby');
    let output = '';
    standby.child.stderr?.on('data', (text: string) => (output += text));
    await until('the standby stands by', () => output.includes('another coordinator leads the run'), START_MS);
    return standby;
  }

  /** Until another process than this one says that it coordinates the run. */
  async waitForSuccessor({ child }: RunningCommand): Promise<void> {
    await until(
      'another coordinator leads',
      async () => ![undefined, child.pid].includes((await this.#said())?.pid),
      START_MS,
    );
  }

  deleteStream(): Promise<void> {
    return deleteStream(this.broker.url, RUN);
  }

  /** As it is in the folder of whoever ended the run. */
  async readLedger(): Promise<readonly LedgerRecord[]> {
    return readLedgerRecords(path.join(this.otherRuns('standby'), RUN, 'ledger.jsonl'));
  }

  /** The generations of all records until a standby took over, and from then on. */
  async generations(): Promise<{ readonly before: readonly number[]; readonly after: readonly number[] }> {
    const records = await this.readLedger();
    const takeover = records.findIndex(({ kind }) => kind === 'resume');
    const of = (part: readonly LedgerRecord[]): number[] =>
      part.flatMap((record) => ('generation' in record ? [record.generation] : []));
    return { before: of(records.slice(0, takeover)), after: of(records.slice(takeover)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.workspace[Symbol.asyncDispose]();
    await this.broker[Symbol.asyncDispose]();
  }

  get #folder(): string {
    return path.join(this.workspace.runs, RUN);
  }

  #coordinator(environment: Readonly<Record<string, string>>, ...flags: string[]): RunningCommand {
    const stored = this.#store === undefined ? [] : ['--store', this.#store.place(this.broker)];
    const command = ['coordinator', '--run', RUN, '--nats', this.broker.url, '--json', ...stored, ...flags];
    return this.workspace.start(command, { ...this.#store?.env, ...environment });
  }

  async #address({ child }: RunningCommand): Promise<string> {
    let address = '';
    await until(
      'the coordinator says where it is',
      async () => {
        const said = await this.#said();
        address = said !== undefined && said.pid === child.pid ? said.address : '';
        return address !== '';
      },
      START_MS,
    );
    return address;
  }

  async #said(): Promise<{ readonly address: string; readonly pid: number } | undefined> {
    const text = await readFile(path.join(this.#folder, 'coordinator.json'), 'utf8').catch(() => '');
    return text === '' ? undefined : (JSON.parse(text) as { address: string; pid: number });
  }
}

/** For the tests of a file: a run of its own for each of them, and the weights of one that nothing happens to. */
export function contendedRuns(): { readonly run: ContendedRun; readonly calmSha256: string } {
  let calmSha256 = '';
  let run: ContendedRun;
  beforeAll(async () => {
    await using calm = await ContendedRun.open();
    calmSha256 = (await calm.calm()).weightsSha256;
  }, 240_000);
  beforeEach(async () => {
    run = await ContendedRun.open();
  });
  afterEach(() => run[Symbol.asyncDispose]());
  return {
    get run() {
      return run;
    },
    get calmSha256() {
      return calmSha256;
    },
  };
}
