/**
 * A worker process: opens its servers, builds the engine and the connection to the broker, and closes everything again.
 * What it does in between is in membership.ts.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  borrowLogin,
  type BrokerPatience,
  type BrokerCredentials,
  CONFIG_VERSION,
  configSchema,
  createPlan,
  FIELD_TYPES,
  formatAddress,
  parseHost,
  systemClock,
  TrainingError,
  trainingWish,
  usableCores,
  type EngineWish,
  type RunConfig,
  type RunToken,
  type SampleField,
  type SampleFields,
  type WelcomeSecrets,
} from '@facet/shared';
import type { SampleSource } from '@facet/datasets';
import { requireSafeListening, type HttpLogin, type TlsIdentity } from '@facet/security';
import { openRunData } from '@facet/task/data';
import type { Task, TaskSamples } from '@facet/task';
import type { Welcome } from '@facet/proto';
import {
  createHttpService,
  startHttpServer,
  watchGpus,
  type HttpServer,
  type HttpServerOptions,
  type Logger,
} from '@facet/telemetry';
import { startExchangeServer, type ExchangeServer, createFloatMemory } from '@facet/collective';
import { createCoordinatorSearch } from './coordinator-search.js';
import { openCoordinatorStream } from './coordinator-stream.js';
import { formatEngine, openEngine, type OpenedEngine } from '@facet/engine';
import { createMembership, type Membership, type WorkerOutcome } from './membership.js';
import { joinGeneration, type WorkerResources } from './membership-generation.js';
import { findOwnAddress } from './own-address.js';
import { allocateTrainingState } from './train/training-state.js';
import { createWorkerMetrics } from './worker-metrics.js';
import { connectWorker, socketNetwork } from './worker-network.js';

export interface WorkerOptions {
  /** host:port of every coordinator that may lead the run; at least one. */
  readonly coordinatorAddresses: readonly string[];
  /** Of the run. */
  readonly token: RunToken;
  /** It may listen beyond this machine without TLS. */
  readonly isInsecure?: boolean;
  /** Where this worker listens; `auto` is every address. Default: at the address that reaches the coordinator. */
  readonly listenHost?: string;
  /** The port for its peers; 0 takes any free one. */
  readonly exchangePort: number;
  /** host or host:port at which peers reach that port, when it is not that of this machine. */
  readonly advertisedAddress?: string;
  /** The broker as this worker reaches it. Default: as the coordinator does. */
  readonly brokerUrl?: string;
  /** With which it listens and connects to others; absent: in the open. */
  readonly tls?: TlsIdentity | undefined;
  /** A key for the broker, if the URL that it is told has no login. */
  readonly brokerCredentials?: BrokerCredentials | undefined;
  /** What a client of the metrics may say instead of showing a certificate. */
  readonly httpLogin?: HttpLogin | undefined;
  /** Metrics without TLS, although the rest has it. */
  readonly hasPlainMetrics?: boolean;
  /** `same`: metrics and probes are at the port for peers. 0 takes any free one. */
  readonly metricsPort: number | 'same';
  /** What is absent is as the run's configuration says. */
  readonly engine: Partial<EngineWish>;
  readonly threads?: number;
  /** Folder with the dataset, for `data: local`. */
  readonly dataFolder?: string;
  /** Makes the task of a run; see `openTask` of @facet/lab. */
  readonly openTask: (config: RunConfig, samples: TaskSamples) => Promise<Task>;
  /** The module of the run's task, where this machine has it elsewhere than the coordinator's. */
  readonly taskFile?: string;
  readonly codeVersion: string;
  readonly log: Logger;
  /** Aborting makes the worker leave when its generation has drained. */
  readonly signal: AbortSignal;
}

/** Runs a worker until its run ends, it is told to leave, or the coordinator stays away too long. */
export async function runWorker(options: WorkerOptions): Promise<WorkerOutcome> {
  try {
    await using worker = await openWorker(options);
    return await worker.run();
  } catch (caught) {
    if (options.signal.aborted && TrainingError.from(caught).code === 'CANCELLED') return { outcome: 'left' };
    throw caught;
  }
}

interface OpenWorker extends AsyncDisposable {
  run(): Promise<WorkerOutcome>;
}

async function openWorker(options: WorkerOptions): Promise<OpenWorker> {
  const { log, signal, coordinatorAddresses, advertisedAddress, tls } = options;
  const { listenHost, advertisedHost } = await findOwnAddress({
    coordinatorAddresses,
    listenHost: options.listenHost,
    advertisedAddress,
    clock: systemClock,
    signal,
    onWait: (reason) => {
      log.warn({ reason }, 'no coordinator is known yet; waiting for one');
    },
  });
  const { isInsecure = false } = options;
  const warning = requireSafeListening({
    what: 'this worker',
    hosts: [listenHost],
    hasTls: tls !== undefined,
    isInsecure,
  });
  if (warning !== undefined) log.warn(warning);
  const workerId = newWorkerId(tls);
  let membership: Membership | undefined = undefined;
  const metrics = createWorkerMetrics(() => membership?.backlog ?? 0);
  const gpus = watchGpus({ registry: metrics.registry, prefix: 'facet_worker_' });
  const isApart = options.metricsPort !== 'same';
  // At the port for peers they have what that port has.
  const httpTls = isApart && options.hasPlainMetrics === true ? undefined : tls;
  const answers: HttpAnswers = {
    registry: metrics.registry,
    tls: httpTls,
    login: options.httpLogin,
    whyNotReady: () => whyNotReady(membership),
  };
  const sharedHttp = isApart ? undefined : createHttpService(answers);
  const exchange: ExchangeServer = await startExchangeServer({
    host: listenHost,
    port: options.exchangePort,
    tls,
    onHttp: sharedHttp?.accept,
    onRefused: ({ address, reason, untold }) => {
      log.warn({ address, untold }, `a connection was refused: ${reason}`);
    },
    run: () => membership?.resources?.welcome.run,
    exchangeKey: () => membership?.resources?.secrets.exchangeKey,
    snapshot: (step) => membership?.snapshot(step),
  });
  const exchangeAddress = exchangeAddressOf({ advertisedAddress, advertisedHost }, exchange.port);
  const http = await openMetricsPort(options, { listenHost, answers }).catch((caught: unknown) => {
    exchange.close();
    throw caught;
  });
  const metricsAddress = http === undefined ? exchangeAddress : formatAddress(advertisedHost, http.port);
  const joined = createMembership({
    hello: {
      workerId,
      codeVersion: options.codeVersion,
      configVersion: CONFIG_VERSION,
      host: hostname(),
      pid: process.pid,
      exchangeAddress,
      metricsUrl: `${httpTls === undefined ? 'http' : 'https'}://${metricsAddress}/metrics`,
      cores: usableCores(),
    },
    token: options.token,
    connect: createCoordinatorSearch({
      addresses: coordinatorAddresses,
      leader: async () => {
        const resources = membership?.resources;
        return resources?.network.leaderAddress(resources.welcome.run, resources.secrets.leaseKey);
      },
      open: (address) => openCoordinatorStream(address, tls),
    }),
    prepare: (welcome, secrets) => buildResources(options, { welcome, secrets }, exchange),
    join: joinGeneration,
    metrics,
    clock: systemClock,
    log,
    signal,
  });
  membership = joined;
  return {
    run: () => joined.run(),
    async [Symbol.asyncDispose]() {
      gpus[Symbol.dispose]();
      await joined.end('the worker ends');
      exchange.close();
      sharedHttp?.close();
      await http?.close();
      await joined.resources?.network.close();
      await joined.resources?.compute.close();
    },
  };
}

type HttpAnswers = Omit<HttpServerOptions, 'host' | 'port'>;

/** The port for metrics alone; undefined where they are at the port for peers. */
async function openMetricsPort(
  { metricsPort: port }: WorkerOptions,
  { listenHost: host, answers }: { readonly listenHost: string; readonly answers: HttpAnswers },
): Promise<HttpServer | undefined> {
  return port === 'same' ? undefined : startHttpServer({ ...answers, host, port });
}

interface Told {
  readonly advertisedAddress: string | undefined;
  readonly advertisedHost: string;
}

/** What is told of the port for peers: a port that was said may be another machine's that forwards. */
function exchangeAddressOf({ advertisedAddress, advertisedHost }: Told, port: number): string {
  const said = advertisedAddress === undefined ? undefined : parseHost(advertisedAddress)?.port;
  return formatAddress(advertisedHost, said ?? port);
}

function whyNotReady(membership: Membership | undefined): string | undefined {
  if (membership?.isInGeneration === true) return undefined;
  return membership?.resources === undefined
    ? 'the worker has not been welcomed by a coordinator yet'
    : 'the worker is in no generation: it waits for one to form, or for the coordinator';
}

/** Unlike every other worker's. A certificate for one worker says how its id begins. */
function newWorkerId(tls: TlsIdentity | undefined): string {
  const unique = `${process.pid}-${randomBytes(3).toString('hex')}`;
  const name = tls?.current().own.grants.find((grant) => grant.role === 'worker' && grant.name !== undefined)?.name;
  return name === undefined ? `${hostname()}-${unique}` : `${name}.${unique}`;
}

function threadsFor(options: WorkerOptions, config: RunConfig, welcome: Welcome): number {
  const asked = options.threads ?? config.engine.threads;
  return asked > 0 ? asked : Math.max(1, Math.floor(usableCores() / Math.max(1, welcome.workersOnHost)));
}

async function buildResources(
  options: WorkerOptions,
  { welcome, secrets }: { readonly welcome: Welcome; readonly secrets: WelcomeSecrets },
  exchange: ExchangeServer,
): Promise<WorkerResources> {
  const config = withOwnTask(configSchema.parse(JSON.parse(welcome.configDocument.toString('utf8'))), options);
  const data = config.data === 'local' ? await openLocalData(options, config, welcome) : undefined;
  const access = {
    url: borrowLogin(options.brokerUrl ?? secrets.natsUrl, secrets.natsUrl),
    tls: options.tls,
    credentials: options.brokerCredentials,
  };
  const connection = await connectWorker(access, { run: config.run, patience: brokerPatience(options, config) });
  const plan = createPlan(config, { trainSamples: welcome.trainSamples, testSamples: welcome.testSamples });
  const threads = threadsFor(options, config, welcome);
  const fields = fieldsOf(welcome);
  const task = await options.openTask(config, { fields, classes: welcome.classes });
  const opening = openEngine({
    wish: trainingWish(options.engine, { engine: config.engine, attacks: task.adversary !== undefined }),
    task,
    threads,
    signal: options.signal,
  });
  const { compute, choice } = await opening.catch(async (caught: unknown) => {
    // Without an engine there is no membership that would close it.
    await connection.close();
    throw caught;
  });
  logChoice(options.log, choice, threads);
  const state = allocateTrainingState(compute.weights, config.optimizer);
  const network = socketNetwork(connection, exchange, options.tls);
  const memory = createFloatMemory();
  const engine = choice.engine;
  return { welcome, secrets, config, plan, task, fields, compute, engine, threads, state, network, memory, data };
}

function logChoice(log: Logger, { engine, reason, passedOver }: OpenedEngine['choice'], threads: number): void {
  const others = Object.fromEntries(passedOver.map((entry) => [formatEngine(entry.engine), entry.why]));
  log.info(
    { engine: formatEngine(engine), threads, reason, ...(passedOver.length > 0 && { others }) },
    'engine chosen',
  );
}

/** The coordinator waits as long for this worker to become ready. */
function brokerPatience({ log, signal }: WorkerOptions, { timeouts: { gatherMs } }: RunConfig): BrokerPatience {
  return {
    limitMs: gatherMs,
    clock: systemClock,
    signal,
    onWait: ({ message }, limitMs) => {
      log.warn({ reason: message, limitMs }, 'the broker does not answer yet; waiting for it');
    },
  };
}

/** The same task, at its place on this machine. */
function withOwnTask(config: RunConfig, { taskFile }: WorkerOptions): RunConfig {
  const { task } = config;
  return task.module === undefined || taskFile === undefined
    ? config
    : { ...config, task: { ...task, module: taskFile } };
}

async function openLocalData(options: WorkerOptions, config: RunConfig, welcome: Welcome): Promise<SampleSource> {
  const { dataFolder = config.dataFolder } = options;
  const data = await openRunData(dataFolder === undefined ? config : { ...config, dataFolder });
  if (data.digest !== welcome.datasetSha256) {
    throw new TrainingError(
      'DATASET_INVALID',
      `this worker's ${data.name} has SHA-256 ${data.digest}, the coordinator's has ${welcome.datasetSha256}; give both the same files, or use data: stream`,
    );
  }
  return data;
}

/** @throws TrainingError VERSION_MISMATCH naming a type that this version does not know. */
function fieldsOf({ fields }: Welcome): SampleFields {
  const fieldOf = ({ name, type, shape }: Welcome['fields'][number]): SampleField => {
    const known = FIELD_TYPES.find((each) => each === type);
    if (known !== undefined) return { type: known, shape };
    throw new TrainingError(
      'VERSION_MISMATCH',
      `the field ${name} of the samples is of type ${type}, expected one of ${FIELD_TYPES.join(', ')}; give coordinator and workers the same version`,
    );
  };
  return Object.fromEntries(fields.map((field) => [field.name, fieldOf(field)]));
}
