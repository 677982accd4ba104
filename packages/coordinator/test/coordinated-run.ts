/**
 * A tiny run with a broker, a coordinator and workers that compute nothing, for the life of one test. Whatever was started or
 * deferred ends with it, last first.
 */
import { join } from 'node:path';
import {
  readLedgerRecords,
  readToken,
  TOKEN_FILE,
  type LedgerRecord,
  type RunConfig,
  type RunToken,
} from '@facet/shared';
import type { Status } from '@facet/proto';
import { createLogger } from '@facet/telemetry';
import type { Coordinator } from '../src/coordinator.js';
import { startCoordinator } from '../src/start-coordinator.js';
import { startBroker, type TestBroker } from './broker.js';
import { MeetingPoint, startFakeWorker, type FakeWorker, type FakeWorkerOptions } from './fake-worker.js';
import { createTinyRun, type TinyRun } from './tiny-run.js';

export const log = createLogger('test', (process.env['FACET_TEST_LOG'] ?? 'silent') as 'silent');

export class CoordinatedRun implements AsyncDisposable {
  readonly broker: TestBroker;
  readonly tiny: TinyRun;
  readonly #meeting = new MeetingPoint();
  readonly #cleanups: AsyncDisposable[];

  private constructor(broker: TestBroker, tiny: TinyRun) {
    this.broker = broker;
    this.tiny = tiny;
    this.#cleanups = [broker, tiny];
  }

  static async open(): Promise<CoordinatedRun> {
    const broker = await startBroker();
    return new CoordinatedRun(broker, await createTinyRun(broker.url));
  }

  /** Ends something with the run. */
  defer(cleanup: AsyncDisposable): void {
    this.#cleanups.push(cleanup);
  }

  async coordinate(changes: Partial<RunConfig> = {}, mode: 'new' | 'resume' = 'new'): Promise<Coordinator> {
    const config = this.tiny.config(changes);
    const { runFolder } = this.tiny;
    const coordinator = await startCoordinator({ config, runFolder, mode, codeVersion: 'test', log });
    this.defer({ [Symbol.asyncDispose]: () => coordinator.close() });
    return coordinator;
  }

  async addWorker(
    { address }: Pick<Coordinator, 'address'>,
    workerId: string,
    options: Partial<FakeWorkerOptions> = {},
  ): Promise<FakeWorker> {
    const token = options.token ?? (await this.token());
    const worker = await startFakeWorker({ workerId, address, token, meeting: this.#meeting, ...options });
    this.defer(worker);
    return worker;
  }

  /** What the coordinator wants of its workers. */
  token(): Promise<RunToken> {
    return readToken(join(this.tiny.runFolder, TOKEN_FILE));
  }

  async readLedger(): Promise<readonly LedgerRecord[]> {
    return readLedgerRecords(join(this.tiny.runFolder, 'ledger.jsonl'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup[Symbol.asyncDispose]();
  }
}

/** What a coordinator says of itself to everybody. */
export async function statusOf(coordinator: Pick<Coordinator, 'httpUrl'>): Promise<Status> {
  return JSON.parse(await pageOf(coordinator, '/status')) as Status;
}

/** A page of its HTTP port, such as `/metrics`. */
export async function pageOf({ httpUrl }: Pick<Coordinator, 'httpUrl'>, path: string): Promise<string> {
  return (await fetch(`${httpUrl}${path}`)).text();
}

/** The records of one kind. */
export function ofKind<K extends LedgerRecord['kind']>(records: readonly LedgerRecord[], kind: K) {
  return records.filter((record): record is Extract<LedgerRecord, { kind: K }> => record.kind === kind);
}

/** A promise that waits until somebody opens it. */
export function createGate(): { readonly opened: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}
