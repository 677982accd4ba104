/**
 * The real decisions of a coordinator over streams, a ledger, a broker and a clock in memory: a test says what workers say, and sees
 * what they are told and what is written. Two epochs of four steps, as the tiny run has.
 */
import { datasetSource, type Dataset } from '@facet/datasets';
import type { EvaluationDone, Hello, JoinResponse, Report, StepDone } from '@facet/proto';
import { createPlan, OPERATION_DEFAULTS, SHARD_SEAL_BYTES, type LedgerRecord, type RunConfig } from '@facet/shared';
import { SYSTEM_TRAINING } from '../../../test/testkit/system-training.js';
import { createLogger } from '@facet/telemetry';
import type { CheckedMessage, JoinSession } from '../src/grpc/join-session.js';
import type { Ending } from '../src/membership/state.js';
import type { Metrics } from '../src/metrics/metrics.js';
import { readEarlierRun } from '../src/run/earlier-run.js';
import { endablePlan, type EndablePlan } from '../src/run/endable-plan.js';
import { assembleRun, type RunAssembly } from '../src/run/run-assembly.js';
import { RunKey } from '../src/secrets/run-key.js';
import type { PublishingBroker } from '../src/shards/publisher.js';
import { FAKE_PARAMETERS, fakeCrc, fakeMomentsCrc, fakeState, fakeStepDone } from './fake-state.js';
import { ManualClock } from '../../../test/testkit/manual-clock.js';

const IGNORED = { inc: () => undefined, observe: () => undefined };
const NO_METRICS = new Proxy({}, { get: (_, name) => (name === 'countFault' ? () => undefined : IGNORED) }) as Metrics;

/** Everything that is published is known at once. */
function memoryBroker(): PublishingBroker {
  let sequence = 0;
  return {
    streamName: 'tiny',
    connection: { status: () => ({ [Symbol.asyncIterator]: () => never }) as never, isClosed: () => false },
    client: {
      publish: () => Promise.resolve({ stream: 'tiny', domain: '', seq: ++sequence, duplicate: false }),
    },
    streams: { purge: () => Promise.resolve({ success: true, purged: 0 }) },
    ensureStream: () => Promise.resolve('kept'),
    close: () => Promise.resolve(),
  };
}

const never = { next: () => new Promise<never>(() => undefined) };

/** A worker's stream as the conductor sees it. */
export class MemorySession {
  readonly workerId: string;
  readonly coordinatorAddress = '127.0.0.1:1';
  readonly told: JoinResponse[] = [];
  isEnded = false;
  /** Of the process that has opened the stream; a stream continues an earlier one of the same process. */
  process: unknown = undefined;

  constructor(workerId: string) {
    this.workerId = workerId;
  }

  send(response: JoinResponse): void {
    if (!this.isEnded) this.told.push(response);
  }

  seal(_label: string, bytes: Uint8Array): Buffer {
    return Buffer.from(bytes);
  }

  continues(earlier: MemorySession): boolean {
    return this.process !== undefined && this.process === earlier.process;
  }

  end(): void {
    this.isEnded = true;
  }

  refuse(code: string, message: string): void {
    this.send({ refusal: { code, message } });
    this.end();
  }

  /** The last message of a kind. */
  lastTold<K extends keyof JoinResponse>(kind: K): NonNullable<JoinResponse[K]> | undefined {
    return this.told.findLast((message) => (message[kind] ?? undefined) !== undefined)?.[kind] ?? undefined;
  }
}

export interface AssembledRunOptions {
  readonly config?: Partial<RunConfig>;
  /** What an earlier coordinator wrote, and its key. */
  readonly records?: readonly LedgerRecord[];
  readonly key?: RunKey;
  /** Resolves when a record is durable. Default: at once. */
  readonly durable?: (record: LedgerRecord) => Promise<void>;
}

export class AssembledRun {
  readonly clock = new ManualClock();
  readonly records: LedgerRecord[] = [];
  readonly fences: string[] = [];
  readonly key: RunKey;
  readonly config: RunConfig;
  readonly plan: EndablePlan;
  readonly assembly: RunAssembly;
  ending: Ending | undefined;
  #joined = 0;

  constructor({ config, records = [], key = new RunKey(RunKey.random()), durable }: AssembledRunOptions = {}) {
    this.key = key;
    this.config = {
      ...SYSTEM_TRAINING,
      ...OPERATION_DEFAULTS,
      run: 'tiny',
      epochs: 2,
      samples: { train: 0, test: 0, heldOut: 0 },
      batch: { global: 16, micro: 4 },
      workers: { count: 2, min: 1, max: 8 },
      timeouts: { heartbeatMs: 1_000, stepMs: 5_000, gatherMs: 20_000 },
      checkpoint: { everySteps: 100, keep: 2, best: 'auto', bestMode: 'auto' },
      prefetchSteps: 2,
      ...config,
    };
    const counts = { trainSamples: 64, testSamples: 20 };
    this.plan = endablePlan(createPlan(this.config, counts));
    const source = datasetSource(datasetOf(counts));
    this.records.push(...records);
    this.assembly = assembleRun({
      config: this.config,
      codeVersion: 'test',
      plan: this.plan,
      data: { ...source, answerClasses: source.classes?.length ?? 0, metricNames: [] },
      earlier: readEarlierRun(records, undefined, this.plan),
      folder: {
        checkpointsPath: '/nowhere',
        checkpoint: undefined,
        ledger: {
          append: async (record) => {
            this.records.push(record);
            await durable?.(record);
          },
        },
        key,
      },
      broker: memoryBroker(),
      source: { encode: () => Promise.resolve(new Uint8Array(1 + SHARD_SEAL_BYTES)), messageBytes: 1, windowBytes: 1 },
      io: {
        pull: ({ step }) =>
          Promise.resolve({ ...fakeState(step), weightsCrc: fakeCrc(step), momentsCrc: fakeMomentsCrc(step) }),
        write: ({ state: { step } }) =>
          Promise.resolve({ path: `/nowhere/${step}`, weightsSha256: 'aa', bytes: 1, seconds: 0, isNew: true }),
        read: () => Promise.reject(new Error('there is no disk')),
        prune: () => Promise.resolve({ removed: [] }),
      },
      metrics: NO_METRICS,
      clock: this.clock,
      log: createLogger('test', 'silent'),
      isLeading: () => true,
      onFenced: (reason) => this.fences.push(reason),
      onEnd: (ending) => {
        this.ending = ending;
      },
    });
  }

  get phase(): string {
    return this.assembly.conductor.membership.phase.kind;
  }

  /** Records of the kinds that say what workers did. */
  kinds(): readonly string[] {
    return this.records.map(({ kind }) => kind);
  }

  /** A worker connects and says Hello. */
  hello(workerId: string, changes: Partial<Hello> = {}): MemorySession {
    const session = new MemorySession(workerId);
    this.#joined += 1;
    const hello: Hello = {
      ...{ workerId, codeVersion: 'test', configVersion: 1, host: 'here', pid: this.#joined },
      ...{ exchangeAddress: `127.0.0.1:${this.#joined}`, metricsUrl: '', cores: 1 },
      ...{ term: 0, run: '', runId: '', ticket: null, nonce: Buffer.alloc(32) },
      ...changes,
    };
    this.assembly.conductor.onHello(session as unknown as JoinSession, hello);
    return session;
  }

  say<K extends CheckedMessage['kind']>(
    session: MemorySession,
    kind: K,
    body: Extract<CheckedMessage, { kind: K }>['body'],
  ): void {
    this.assembly.conductor.onMessage(session as unknown as JoinSession, { kind, body } as unknown as CheckedMessage);
  }

  lose(session: MemorySession): void {
    session.end();
    this.assembly.conductor.onClosed(session as unknown as JoinSession, 'its stream broke');
  }

  ready(session: MemorySession, state: Report | null = null, programSha256 = 'a'.repeat(64)): void {
    this.say(session, 'ready', {
      programSha256,
      parameters: FAKE_PARAMETERS,
      ...{ engine: 'fake', device: 'cpu', threads: 1, state },
    });
  }

  /** Workers join and form a generation, which runs. */
  form(...workerIds: readonly string[]): readonly MemorySession[] {
    const sessions = workerIds.map((workerId) => this.hello(workerId));
    for (const session of sessions) this.ready(session);
    this.confirm(sessions, 0);
    return sessions;
  }

  /** Members answer the Form that they got with the state after a step. */
  confirm(sessions: readonly MemorySession[], appliedStep: number): void {
    for (const session of sessions) {
      const { generation = 0 } = session.lastTold('form') ?? {};
      this.say(session, 'formed', { generation, appliedStep, weightsCrc: fakeCrc(appliedStep) });
    }
  }

  stepDone(step: number, generation: number): StepDone {
    return fakeStepDone({ config: this.config, plan: this.plan, generation, step });
  }

  /** What a worker holds after a step, and that it did all steps before in one generation. */
  report(generation: number, appliedStep: number): Report {
    const recent = Array.from({ length: appliedStep }, (_, at) => this.stepDone(at + 1, generation));
    return { generation, hasState: true, appliedStep, weightsCrc: fakeCrc(appliedStep), recent };
  }

  /** A whole evaluation by one worker. */
  evaluationDone(step: number, generation: number): EvaluationDone {
    const item = { kind: 'evaluate', step } as const;
    const parts = Array.from({ length: this.plan.microBatchCount(item) }, (_, index) => {
      const sampleCount = this.plan.microBatch(item, index).length;
      return { index, sampleCount, lossSum: sampleCount, metrics: {} };
    });
    const confusion = new Array<number>(100).fill(0);
    confusion[0] = this.plan.sampleCount(item);
    return { generation, step, parts, confusion };
  }
}

function datasetOf({ trainSamples, testSamples }: { trainSamples: number; testSamples: number }): Dataset {
  const split = (count: number): Dataset['train'] => ({
    count,
    pixels: new Uint8Array(count),
    labels: new Uint8Array(count),
  });
  return {
    name: 'mnist',
    image: { height: 1, width: 1, channels: 1 },
    classes: Array.from({ length: 10 }, (_, at) => String(at)),
    train: split(trainSamples),
    test: split(testSamples),
    sha256: '0'.repeat(64),
  };
}
