/**
 * A scripted worker that speaks the real protocols: Join and PullState over gRPC, shards over NATS. It computes nothing;
 * in place of the all-reduce it meets the other fakes of its generation in a shared meeting point, so that no fake gets
 * ahead of one that died.
 */
import { randomBytes } from 'node:crypto';
import { credentials, Server, ServerCredentials, status, type ClientDuplexStream } from '@grpc/grpc-js';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  CHANNEL_OPTIONS,
  Coordination,
  createStateService,
  Exchange,
  pullState,
  type ExchangeHandlers,
  type Form,
  type Hello,
  type JoinRequest,
  type JoinResponse__Output,
  type StepDone,
  type Ticket,
  type Welcome,
} from '@facet/proto';
import {
  CONFIG_VERSION,
  decodePasses,
  decodePeerList,
  decodeWelcomeSecrets,
  JOIN_NONCE_BYTES,
  createPlan,
  evenSplit,
  passesLabel,
  rangeOfRank,
  splitByShares,
  TrainingError,
  shardKeyLabel,
  ShardSeal,
  WELCOME_LABEL,
  type ExchangePasses,
  type JoinKeys,
  type Plan,
  type RunConfig,
  type RunToken,
  type ShardMessage,
  type WorkItem,
} from '@facet/shared';
import { createSignal } from '../src/shards/signal.js';
import { openFakeShards } from './fake-shards.js';
import { FAKE_PARAMETERS, fakeCrc, fakeMomentsCrc, fakeState, fakeStepDone } from './fake-state.js';

const KEPT_STEPS = 16;
const KEPT_PARAMETERS = 8;

/** Where the fakes of a generation wait for each other. */
export class MeetingPoint {
  readonly #arrived = new Map<string, Set<string>>();
  readonly #changed = createSignal();

  async meet(key: string, workerId: string, worldSize: number, signal: AbortSignal): Promise<void> {
    const here = this.#arrived.get(key) ?? new Set();
    this.#arrived.set(key, here.add(workerId));
    this.#changed.notify();
    const wake = (): void => {
      this.#changed.notify();
    };
    signal.addEventListener('abort', wake);
    while (here.size < worldSize && !signal.aborted) await this.#changed.wait();
    signal.removeEventListener('abort', wake);
    signal.throwIfAborted();
  }
}

export interface FakeWorkerOptions {
  readonly workerId: string;
  readonly address: string;
  readonly token: RunToken;
  /** Of an earlier stream of the same process, which this one may replace. */
  readonly previous?: FakeWorker | undefined;
  readonly meeting: MeetingPoint;
  readonly hello?: Partial<Hello>;
  readonly programSha256?: string;
  readonly engine?: { readonly engine: string; readonly device: string };
  /** The worker comes with the state after this step, and knows the steps before; believed with a ticket alone. */
  readonly appliedStep?: number;
  /** Called before a piece of work is done; may throw, or call methods of the worker. */
  readonly beforeWork?: (worker: FakeWorker, item: WorkItem) => void | Promise<void>;
  /** What is sent instead of a step's honest StepDone. */
  readonly forge?: (done: StepDone) => StepDone;
}

export type FakeEnd =
  | { readonly kind: 'stop'; readonly reason: string; readonly message: string }
  | { readonly kind: 'refusal'; readonly code: string; readonly message: string }
  | { readonly kind: 'gone' };

interface Running {
  readonly form: Form;
  readonly abort: AbortController;
  lastStep: number;
}

export class FakeWorker {
  readonly options: FakeWorkerOptions;
  /** Everything that the coordinator sent. */
  readonly received: JoinResponse__Output[] = [];
  /** Sample ids of every train shard that was consumed. */
  readonly consumed: ShardMessage[] = [];
  readonly ended: Promise<FakeEnd>;
  appliedStep: number | undefined;
  isReady = false;
  /** Messages among its shards that the coordinator did not seal. */
  forged = 0;
  /** Of its last generation. */
  ticket: Ticket | null = null;
  /** Of its last generation. */
  passes: ExchangePasses | undefined;
  keys: JoinKeys | undefined;
  #hello: NonNullable<JoinRequest['hello']> = {};
  readonly #settle: (end: FakeEnd) => void;
  readonly #client: InstanceType<typeof Coordination>;
  readonly #server: Server;
  #call: ClientDuplexStream<JoinRequest, JoinResponse__Output> | undefined;
  #nats: NatsConnection | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #welcome: Welcome | undefined;
  #config: RunConfig | undefined;
  #plan: Plan | undefined;
  #running: Running | undefined;
  #recent: StepDone[] = [];
  #isSilent = false;
  #isOver = false;

  constructor(options: FakeWorkerOptions, server: Server) {
    this.options = options;
    this.#server = server;
    this.#client = new Coordination(options.address, credentials.createInsecure(), CHANNEL_OPTIONS);
    let settle: (end: FakeEnd) => void = () => undefined;
    this.ended = new Promise((resolve) => {
      settle = resolve;
    });
    this.#settle = settle;
  }

  /** Connects; `exchangePort` is where its Exchange service listens. */
  join(exchangePort: number): void {
    const call = this.#client.join();
    this.#call = call;
    call.on('data', (response: JoinResponse__Output) => {
      void this.#receive(response).catch((error: unknown) => {
        if (!this.#isOver) throw error;
      });
    });
    call.on('error', () => this.#finish({ kind: 'gone' }));
    call.on('end', () => this.#finish({ kind: 'gone' }));
    const { workerId, hello } = this.options;
    this.#hello = {
      workerId,
      codeVersion: 'test',
      configVersion: CONFIG_VERSION,
      host: 'here',
      pid: exchangePort,
      exchangeAddress: `127.0.0.1:${exchangePort}`,
      metricsUrl: '',
      cores: 1,
      nonce: randomBytes(JOIN_NONCE_BYTES),
      ...hello,
    };
    this.send({ hello: this.#hello });
  }

  send(request: JoinRequest): void {
    if (!this.#isSilent && !this.#isOver) this.#call?.write(request);
  }

  /** Dies as a killed process would: everything it has open breaks. */
  die(): void {
    this.#finish({ kind: 'gone' });
  }

  /** Hangs: the connection stays, nothing is said any more. */
  fallSilent(): void {
    this.#isSilent = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#finish({ kind: 'gone' });
    await this.#nats?.close();
  }

  #finish(end: FakeEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#heartbeat);
    this.#running?.abort.abort();
    this.#call?.cancel();
    this.#client.close();
    this.#server.forceShutdown();
    void this.#nats?.close();
    this.#settle(end);
  }

  async #receive(response: JoinResponse__Output): Promise<void> {
    this.received.push(response);
    const { challenge, welcome, refusal, form, start, drain, regroup, stop } = response;
    if (challenge) this.#prove(challenge, response.term);
    else if (refusal) this.#finish({ kind: 'refusal', ...refusal });
    else if (stop) this.#finish({ kind: 'stop', reason: String(stop.reason), message: stop.message });
    else if (this.#isSilent) return;
    else if (welcome) await this.#greet(welcome);
    else if (form) await this.#form(form);
    else if (start) void this.#work();
    else if (drain && this.#running !== undefined) this.#running.lastStep = drain.lastStep;
    else if (regroup) this.#report(regroup.generation);
  }

  #prove({ run, runId, nonce }: NonNullable<JoinResponse__Output['challenge']>, term: number): void {
    const { token, previous } = this.options;
    const keys = token.join(this.#hello, { run, runId, term, nonce });
    this.keys = keys;
    const previousProof = Buffer.from(previous?.keys?.proofForNext(keys) ?? []);
    this.send({ proof: { proof: Buffer.from(keys.workerProof), previousProof } });
  }

  async #greet(welcome: Welcome): Promise<void> {
    this.#welcome = welcome;
    const { natsUrl } = decodeWelcomeSecrets(this.keys!.open(WELCOME_LABEL, welcome.sealed));
    this.#config = JSON.parse(welcome.configDocument.toString('utf8')) as RunConfig;
    this.#plan = createPlan(this.#config, welcome);
    this.#nats = await connect({ servers: natsUrl, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
    this.#heartbeat = setInterval(() => {
      this.send({ heartbeat: { step: this.appliedStep ?? 0 } });
    }, this.#config.timeouts.heartbeatMs / 4);
    this.isReady = true;
    const { programSha256 = 'a'.repeat(64), appliedStep } = this.options;
    if (appliedStep !== undefined) this.#remember(appliedStep);
    this.send({
      ready: {
        programSha256,
        parameters: FAKE_PARAMETERS,
        ...(this.options.engine ?? { engine: 'fake', device: 'cpu' }),
        threads: 1,
        state: this.#state(0),
      },
    });
  }

  #remember(appliedStep: number): void {
    this.appliedStep = appliedStep;
    const [config, plan] = [this.#config!, this.#plan!];
    this.#recent = Array.from({ length: appliedStep }, (_, i) =>
      fakeStepDone({ config, plan, generation: 1, step: i + 1 }),
    );
  }

  #state(generation: number) {
    const { appliedStep } = this;
    const weightsCrc = appliedStep === undefined ? 0 : fakeCrc(appliedStep);
    return {
      generation,
      hasState: appliedStep !== undefined,
      appliedStep: appliedStep ?? 0,
      weightsCrc,
      recent: this.#recent,
    };
  }

  async #form(form: Form): Promise<void> {
    this.ticket = form.ticket;
    this.#running = { form, abort: new AbortController(), lastStep: Number.POSITIVE_INFINITY };
    if (form.stateSource === 'STATE_SOURCE_INITIAL') this.appliedStep = 0;
    this.passes = decodePasses(this.keys!.open(passesLabel(form.generation), form.sealedPasses));
    if (form.stateSource === 'STATE_SOURCE_PULL')
      this.appliedStep = await pull(form, this.#welcome?.run ?? '', this.passes);
    const appliedStep = this.appliedStep ?? -1;
    this.send({ formed: { generation: form.generation, appliedStep, weightsCrc: fakeCrc(appliedStep) } });
  }

  #report(generation: number): void {
    this.#running?.abort.abort();
    this.#running = undefined;
    this.send({ report: this.#state(generation) });
  }

  async #work(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    try {
      await this.#workThrough(running);
    } catch (caught) {
      if (!running.abort.signal.aborted && !this.#isOver) throw caught;
    }
  }

  async #workThrough(running: Running): Promise<void> {
    const { form, abort } = running;
    const { signal } = abort;
    const plan = this.#plan!;
    const worldSize = decodePeerList(form.peerList).length;
    const split = form.shares.length === 0 ? evenSplit(worldSize) : splitByShares(form.shares);
    const shards = openFakeShards({
      connection: this.#nats!,
      subject: { run: this.#welcome!.run, generation: form.generation, rank: form.rank },
      seal: new ShardSeal(this.keys!.open(shardKeyLabel(form.generation), form.sealedShardKey)),
      onForged: () => (this.forged += 1),
      signal,
    });
    let item: WorkItem | undefined = { kind: form.kind === 'WORK_KIND_TRAIN' ? 'train' : 'evaluate', step: form.step };
    for (; item !== undefined; item = plan.next(item)) {
      if ((this.appliedStep ?? 0) >= running.lastStep) return;
      await this.options.beforeWork?.(this, item);
      signal.throwIfAborted();
      const range = rangeOfRank(plan.microBatchCount(item), split, form.rank);
      for (let index = range.start; index < range.end; index++) this.consumed.push(await shards(item, index));
      await this.options.meeting.meet(
        `${form.generation}.${item.kind}.${item.step}`,
        this.options.workerId,
        worldSize,
        signal,
      );
      if (item.kind === 'train') this.#finishStep(item.step, form.generation);
      else this.#finishEvaluation(item, form.generation, range);
    }
  }

  #finishStep(step: number, generation: number): void {
    this.appliedStep = step;
    const done = fakeStepDone({ config: this.#config!, plan: this.#plan!, generation, step });
    this.#recent = [...this.#recent, done].slice(-KEPT_STEPS);
    this.send({ stepDone: this.options.forge?.(done) ?? done });
  }

  #finishEvaluation(item: WorkItem, generation: number, range: { start: number; end: number }): void {
    const classes = this.#welcome!.classes.length;
    const confusion = new Array<number>(classes * classes).fill(0);
    const parts = [];
    for (let index = range.start; index < range.end; index++) {
      const sampleCount = this.#plan!.microBatch(item, index).length;
      parts.push({ index, sampleCount, lossSum: sampleCount * 0.5, metrics: {} });
      confusion[0] = (confusion[0] ?? 0) + sampleCount - 1;
      confusion[1] = (confusion[1] ?? 0) + 1;
    }
    this.send({ evaluationDone: { generation, step: item.step, parts, confusion } });
  }
}

async function pull(form: Form, run: string, passes: ExchangePasses): Promise<number> {
  const { step } = await pullState({
    peer: 'the holder',
    address: form.stateAddress,
    run,
    pass: { generation: form.generation, proof: passes.state ?? new Uint8Array() },
    step: form.stateStep,
    shape: { parameters: KEPT_PARAMETERS, hasAverage: false },
    expected: { weightsCrc: fakeCrc(form.stateStep), momentsCrc: fakeMomentsCrc(form.stateStep) },
    timeoutMs: 5_000,
    signal: new AbortController().signal,
  });
  return step;
}

/** Starts a fake worker and joins. */
export async function startFakeWorker(options: FakeWorkerOptions): Promise<FakeWorker> {
  const server = new Server(CHANNEL_OPTIONS);
  const handlers: ExchangeHandlers = {
    Pull(call) {
      call.emit('error', { code: status.UNIMPLEMENTED, details: 'fakes meet in memory' });
    },
    PullState: createStateService(({ step }) => {
      // Real workers keep some snapshots; a fake can make any that it has reached.
      if (worker.appliedStep === undefined || step > worker.appliedStep)
        throw new TrainingError('STALE', `no state of step ${step}`);
      return { ...fakeState(step), weightsCrc: fakeCrc(step), momentsCrc: fakeMomentsCrc(step) };
    }),
  };
  server.addService(Exchange.service, handlers);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const worker = new FakeWorker(options, server);
  worker.join(port);
  return worker;
}
