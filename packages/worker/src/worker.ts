/**
 * A worker process: joins the coordinator's run, builds the engine, and takes part in one generation after the other until
 * the run stops. If the coordinator is lost, the state is kept and the worker comes back for as long as the run allows.
 */
import { randomBytes } from 'node:crypto';
import { availableParallelism, hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  CONFIG_VERSION,
  configSchema,
  createPlan,
  TrainingError,
  trainingWish,
  type EngineWish,
  type RunConfig,
} from '@facet/shared';
import { openDataset, type Dataset } from '@facet/datasets';
import type { JoinResponse__Output, Welcome } from '@facet/proto';
import { startHttpServer, type HttpServer, type Logger } from '@facet/telemetry';
import { startExchangeServer, type ExchangeServer, type StateSnapshot } from './collective/exchange-server.js';
import { openCoordinatorStream, type CoordinatorStream } from './coordinator-stream.js';
import { formatEngine } from './engine/engine-id.js';
import { microBatchShape } from './engine/micro-batch-program.js';
import { openEngine, type OpenedEngine } from './engine/open-engine.js';
import { joinGeneration, type Generation, type WorkerResources } from './membership-generation.js';
import { stepDoneMessage } from './messages.js';
import type { StepResult } from './train/generation-loop.js';
import { allocateTrainingState, copyState, type TrainingState } from './train/training-state.js';
import { createWorkerMetrics } from './worker-metrics.js';

export interface WorkerOptions {
  readonly coordinatorAddress: string;
  /** Where this worker listens for its peers and for Prometheus. */
  readonly listenHost: string;
  /** 0 takes any free port. */
  readonly metricsPort: number;
  /** What is absent is as the run's configuration says. */
  readonly engine: Partial<EngineWish>;
  readonly threads?: number;
  /** Folder with the dataset, for `data: local`. */
  readonly dataFolder?: string;
  readonly codeVersion: string;
  readonly log: Logger;
  /** Aborting makes the worker leave: it finishes nothing and loses nothing. */
  readonly signal: AbortSignal;
}

export interface WorkerOutcome {
  readonly outcome: 'finished' | 'stopped' | 'left' | 'failed' | 'refused';
  readonly message?: string;
}

/** Past steps that are reported again to a coordinator that may have missed them. */
const RECENT_STEPS = 64;
const RECONNECT_DELAY_MS = 200;
const DEFAULT_RECONNECT_MS = 30_000;

/** Runs a worker until its run ends, it is told to leave, or the coordinator stays away too long. */
export async function runWorker(options: WorkerOptions): Promise<WorkerOutcome> {
  await using worker = await openWorker(options);
  return await worker.run();
}

interface OpenWorker extends AsyncDisposable {
  run(): Promise<WorkerOutcome>;
}

async function openWorker(options: WorkerOptions): Promise<OpenWorker> {
  const { log, listenHost, signal } = options;
  const workerId = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const snapshots = new Map<number, StateSnapshot>();
  const recent: { generation: number; result: StepResult }[] = [];
  let generation: Generation | undefined;
  let resources: WorkerResources | undefined;
  let state: TrainingState | undefined;

  const metrics = createWorkerMetrics(() => generation?.backlog ?? 0);
  const exchange: ExchangeServer = await startExchangeServer({
    host: listenHost,
    run: () => resources?.welcome.run,
    snapshot: (step) => snapshots.get(step) ?? (state?.appliedStep === step ? copyState(state) : undefined),
  });
  const http: HttpServer = await startHttpServer({
    host: listenHost,
    port: options.metricsPort,
    registry: metrics.registry,
  });

  const report = () => ({
    generation: generation?.id ?? 0,
    hasState: state?.appliedStep !== undefined,
    appliedStep: state?.appliedStep ?? 0,
    weightsCrc: state?.weightsCrc ?? 0,
    recent: recent.map((entry) => stepDoneMessage(entry.generation, entry.result)),
  });

  const onStep = (stream: CoordinatorStream, id: number, rank: number, result: StepResult): void => {
    metrics.recordStep(result);
    recent.push({ generation: id, result });
    if (recent.length > RECENT_STEPS) recent.shift();
    const { config, plan } = resources!;
    // Rank 0 keeps what the coordinator is about to pull for a checkpoint; everyone else would only copy.
    if (rank === 0 && (result.step % config.checkpoint.everySteps === 0 || plan.isLastOfEpoch(result.step))) {
      snapshots.clear();
      snapshots.set(result.step, copyState(state!));
    }
    stream.send({ stepDone: stepDoneMessage(id, result) });
  };

  /** One membership, from Hello to the end of the stream. */
  const session = async (): Promise<WorkerOutcome | 'lost'> => {
    await using stream = await openCoordinatorStream(options.coordinatorAddress);
    stream.send({
      hello: {
        workerId,
        codeVersion: options.codeVersion,
        configVersion: CONFIG_VERSION,
        host: hostname(),
        pid: process.pid,
        exchangeAddress: `${listenHost}:${exchange.port}`,
        metricsUrl: `http://${listenHost}:${http.port}/metrics`,
        cores: availableParallelism(),
      },
    });
    let heartbeat: NodeJS.Timeout | undefined;
    const leave = (): void => {
      stream.send({ leave: { reason: 'asked to leave' } });
      stream.close();
    };
    signal.addEventListener('abort', leave);
    try {
      for await (const message of stream.messages(onUrgent)) {
        const outcome = await handle(stream, message);
        if (outcome !== undefined) return outcome;
        if (message.message === 'welcome' && heartbeat === undefined) {
          heartbeat = setInterval(() => {
            stream.send({ heartbeat: { step: state?.appliedStep ?? 0 } });
          }, resources!.config.timeouts.heartbeatMs / 4);
        }
      }
      return signal.aborted ? { outcome: 'left' } : 'lost';
    } finally {
      clearInterval(heartbeat);
      signal.removeEventListener('abort', leave);
      await generation?.end('the coordinator is gone');
    }
  };

  /** Some messages end the generation at once, even while an earlier message is still being handled. */
  const onUrgent = (message: JoinResponse__Output): void => {
    if (message.regroup) void generation?.end(message.regroup.reason);
    if (message.stop) void generation?.end(message.stop.message);
  };

  const handle = async (
    stream: CoordinatorStream,
    message: JoinResponse__Output,
  ): Promise<WorkerOutcome | undefined> => {
    if (message.refusal) {
      return { outcome: 'refused', message: `${message.refusal.code}: ${message.refusal.message}` };
    } else if (message.welcome) {
      const known = resources;
      resources =
        known === undefined
          ? await buildResources(options, message.welcome, exchange, (allocated) => (state = allocated))
          : { ...known, welcome: message.welcome };
      const { compute, engine, threads } = resources;
      stream.send({
        ready: {
          programSha256: compute.programSha256,
          parameters: compute.layout.slots.map(({ name, shape }) => ({ name, shape: [...shape] })),
          engine: engine.name,
          device: engine.device,
          threads,
          state: report(),
        },
      });
    } else if (message.form) {
      await generation?.end('a new generation forms');
      const { form } = message;
      log.info(
        { generation: form.generation, rank: form.rank, worldSize: form.peers.length, step: form.step },
        'generation forms',
      );
      metrics.recordMembership({ generation: form.generation, rank: form.rank, worldSize: form.peers.length });
      generation = joinGeneration(form, resources!, {
        onFormed: (id) => {
          stream.send({
            formed: { generation: id, appliedStep: state!.appliedStep ?? 0, weightsCrc: state!.weightsCrc },
          });
        },
        onStep: (id, rank, result) => {
          onStep(stream, id, rank, result);
        },
        onEvaluation: (id, step, share) => {
          stream.send({
            evaluationDone: { generation: id, step, parts: [...share.parts], confusion: [...share.confusion] },
          });
        },
        onFault: (id, error, peerWorkerId) => {
          metrics.recordFault(error.code);
          log.warn({ generation: id, code: error.code, err: error }, 'fault');
          const step = (state?.appliedStep ?? 0) + 1;
          stream.send({ fault: { generation: id, step, code: error.code, message: error.message, peerWorkerId } });
        },
      });
    } else if (message.start) {
      if (message.start.generation === generation?.id) generation.start();
    } else if (message.regroup) {
      log.info({ generation: message.regroup.generation, reason: message.regroup.reason }, 'regrouping');
      await generation?.end(message.regroup.reason);
      stream.send({ report: report() });
    } else if (message.stop) {
      await generation?.end(message.stop.message);
      const outcome = stopOutcome(message.stop.reason);
      return message.stop.message === '' ? { outcome } : { outcome, message: message.stop.message };
    }
    return undefined;
  };

  return {
    async run() {
      let lostAt: number | undefined;
      for (;;) {
        const patienceMs = resources?.config.timeouts.gatherMs ?? DEFAULT_RECONNECT_MS;
        try {
          const outcome = await session();
          if (outcome !== 'lost') return outcome;
          lostAt = performance.now();
          log.warn({ patienceMs }, 'the coordinator is gone; keeping the state and trying to come back');
        } catch (caught) {
          const error = TrainingError.from(caught);
          if (error.code === 'CANCELLED' && signal.aborted) return { outcome: 'left' };
          if (error.code !== 'COORDINATOR_UNREACHABLE') throw error;
          lostAt ??= performance.now();
          if (performance.now() - lostAt > patienceMs) {
            throw new TrainingError('COORDINATOR_UNREACHABLE', `${error.message}; gave up after ${patienceMs} ms`, {
              cause: error,
            });
          }
        }
        if (signal.aborted) return { outcome: 'left' };
        await delay(RECONNECT_DELAY_MS);
      }
    },
    async [Symbol.asyncDispose]() {
      await generation?.end('the worker ends');
      exchange.close();
      await http.close();
      await resources?.connection.close();
      await resources?.compute.close();
    },
  };
}

function stopOutcome(reason: string): WorkerOutcome['outcome'] {
  if (reason === 'STOP_REASON_FINISHED') return 'finished';
  return reason === 'STOP_REASON_STOPPED' ? 'stopped' : 'failed';
}

function threadsFor(options: WorkerOptions, config: RunConfig, welcome: Welcome): number {
  const asked = options.threads ?? config.engine.threads;
  return asked > 0 ? asked : Math.max(1, Math.floor(availableParallelism() / Math.max(1, welcome.workersOnHost)));
}

async function buildResources(
  options: WorkerOptions,
  welcome: Welcome,
  exchange: ExchangeServer,
  onState: (state: TrainingState) => void,
): Promise<WorkerResources> {
  const config = configSchema.parse(JSON.parse(welcome.configDocument.toString('utf8')));
  const dataset = config.data === 'local' ? await openLocalDataset(options, config, welcome) : undefined;
  const connection = await connectBroker(welcome.natsUrl);
  const plan = createPlan(config, { trainSamples: welcome.trainSamples, testSamples: welcome.testSamples });
  const threads = threadsFor(options, config, welcome);
  const { compute, choice } = await openEngine({
    wish: trainingWish(options.engine, config),
    shape: microBatchShape(
      {
        image: { height: welcome.imageHeight, width: welcome.imageWidth, channels: welcome.imageChannels },
        classes: welcome.classes.length,
      },
      config,
    ),
    threads,
    isAttacked: config.adversarial.eps > 0,
    signal: options.signal,
  });
  logChoice(options.log, choice, threads);
  const state = allocateTrainingState(compute.weights, config.optimizer);
  onState(state);
  return { welcome, config, plan, compute, engine: choice.engine, threads, state, connection, exchange, dataset };
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

async function connectBroker(url: string): Promise<NatsConnection> {
  try {
    return await connect({ servers: url, maxReconnectAttempts: -1, reconnectTimeWait: 200, noAsyncTraces: true });
  } catch (caught) {
    const reason = caught instanceof Error ? caught.message : String(caught);
    throw new TrainingError(
      'BROKER_UNREACHABLE',
      `no NATS broker answers at ${url}: ${reason}; is it reachable from this machine?`,
      {
        cause: caught,
      },
    );
  }
}
