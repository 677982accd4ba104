/**
 * A worker process: opens its servers, builds the engine and the connection to the broker, and closes everything again.
 * What it does in between is in membership.ts.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  CONFIG_VERSION,
  configSchema,
  createPlan,
  formatAddress,
  systemClock,
  TrainingError,
  trainingWish,
  usableCores,
  type EngineWish,
  type RunConfig,
} from '@facet/shared';
import { openDataset, type Dataset } from '@facet/datasets';
import type { Welcome } from '@facet/proto';
import { startHttpServer, type HttpServer, type Logger } from '@facet/telemetry';
import { startExchangeServer, type ExchangeServer, createFloatMemory } from '@facet/collective';
import { createCoordinatorSearch } from './coordinator-search.js';
import { openCoordinatorStream } from './coordinator-stream.js';
import { formatEngine } from './engine/engine-id.js';
import { microBatchShape } from './engine/micro-batch-program.js';
import { openEngine, type OpenedEngine } from './engine/open-engine.js';
import { createMembership, type Membership, type WorkerOutcome } from './membership.js';
import type { WorkerResources } from './membership-generation.js';
import { findOwnAddress } from './own-address.js';
import { allocateTrainingState } from './train/training-state.js';
import { createWorkerMetrics } from './worker-metrics.js';
import { connectWorker, socketNetwork } from './worker-network.js';

export interface WorkerOptions {
  /** host:port of every coordinator that may lead the run; at least one. */
  readonly coordinatorAddresses: readonly string[];
  /** Where this worker listens for its peers and for Prometheus. Default: at the address that reaches the coordinator. */
  readonly listenHost?: string;
  /** The port for its peers; 0 takes any free one. */
  readonly exchangePort: number;
  /** host:port at which peers reach that port, when it is not that of this machine. */
  readonly advertisedAddress?: string;
  /** The broker as this worker reaches it. Default: as the coordinator does. */
  readonly brokerUrl?: string;
  /** 0 takes any free port. */
  readonly metricsPort: number;
  /** What is absent is as the run's configuration says. */
  readonly engine: Partial<EngineWish>;
  readonly threads?: number;
  /** Folder with the dataset, for `data: local`. */
  readonly dataFolder?: string;
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
  const { log, signal, coordinatorAddresses, advertisedAddress } = options;
  const { listenHost, advertisedHost } = await findOwnAddress({
    coordinatorAddresses,
    listenHost: options.listenHost,
    advertisedAddress,
    clock: systemClock,
    signal,
  });
  const workerId = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  let membership: Membership | undefined = undefined;
  const metrics = createWorkerMetrics(() => membership?.backlog ?? 0);
  const exchange: ExchangeServer = await startExchangeServer({
    host: listenHost,
    port: options.exchangePort,
    run: () => membership?.resources?.welcome.run,
    snapshot: (step) => membership?.snapshot(step),
  });
  const starting = startHttpServer({ host: listenHost, port: options.metricsPort, registry: metrics.registry });
  const http: HttpServer = await starting.catch((caught: unknown) => {
    exchange.close();
    throw caught;
  });
  const joined = createMembership({
    hello: {
      workerId,
      codeVersion: options.codeVersion,
      configVersion: CONFIG_VERSION,
      host: hostname(),
      pid: process.pid,
      exchangeAddress: advertisedAddress ?? formatAddress(advertisedHost, exchange.port),
      metricsUrl: `http://${formatAddress(advertisedHost, http.port)}/metrics`,
      cores: usableCores(),
    },
    connect: createCoordinatorSearch({
      addresses: coordinatorAddresses,
      leader: async () => {
        const resources = membership?.resources;
        return resources?.network.leaderAddress(resources.welcome.run);
      },
      open: openCoordinatorStream,
    }),
    prepare: (welcome) => buildResources(options, welcome, exchange),
    metrics,
    clock: systemClock,
    log,
    signal,
  });
  membership = joined;
  return {
    run: () => joined.run(),
    async [Symbol.asyncDispose]() {
      await joined.end('the worker ends');
      exchange.close();
      await http.close();
      await joined.resources?.network.close();
      await joined.resources?.compute.close();
    },
  };
}

function threadsFor(options: WorkerOptions, config: RunConfig, welcome: Welcome): number {
  const asked = options.threads ?? config.engine.threads;
  return asked > 0 ? asked : Math.max(1, Math.floor(usableCores() / Math.max(1, welcome.workersOnHost)));
}

async function buildResources(
  options: WorkerOptions,
  welcome: Welcome,
  exchange: ExchangeServer,
): Promise<WorkerResources> {
  const config = configSchema.parse(JSON.parse(welcome.configDocument.toString('utf8')));
  const dataset = config.data === 'local' ? await openLocalDataset(options, config, welcome) : undefined;
  const connection = await connectWorker(options.brokerUrl ?? welcome.natsUrl);
  const plan = createPlan(config, { trainSamples: welcome.trainSamples, testSamples: welcome.testSamples });
  const threads = threadsFor(options, config, welcome);
  const shape = microBatchShape(
    {
      image: { height: welcome.imageHeight, width: welcome.imageWidth, channels: welcome.imageChannels },
      classes: welcome.classes.length,
    },
    config,
  );
  const opening = openEngine({
    wish: trainingWish(options.engine, config),
    shape,
    threads,
    isAttacked: config.adversarial.eps > 0,
    signal: options.signal,
  });
  const { compute, choice } = await opening.catch(async (caught: unknown) => {
    // Without an engine there is no membership that would close it.
    await connection.close();
    throw caught;
  });
  logChoice(options.log, choice, threads);
  const state = allocateTrainingState(compute.weights, config.optimizer);
  const network = socketNetwork(connection, exchange);
  const memory = createFloatMemory();
  return { welcome, config, plan, compute, engine: choice.engine, threads, state, network, memory, dataset };
}

function logChoice(log: Logger, { engine, reason, passedOver }: OpenedEngine['choice'], threads: number): void {
  const others = Object.fromEntries(passedOver.map((entry) => [formatEngine(entry.engine), entry.why]));
  log.info(
    { engine: formatEngine(engine), threads, reason, ...(passedOver.length > 0 && { others }) },
    'engine chosen',
  );
}

async function openLocalDataset(options: WorkerOptions, config: RunConfig, welcome: Welcome): Promise<Dataset> {
  const folder = options.dataFolder ?? config.dataFolder;
  const dataset = await openDataset({ name: config.dataset, ...(folder !== undefined && { folder }) });
  if (dataset.sha256 !== welcome.datasetSha256) {
    throw new TrainingError(
      'DATASET_INVALID',
      `this worker's ${config.dataset} has SHA-256 ${dataset.sha256}, the coordinator's has ${welcome.datasetSha256}; give both the same files, or use data: stream`,
    );
  }
  return dataset;
}
