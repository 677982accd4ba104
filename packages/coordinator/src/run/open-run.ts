/**
 * One coordinator at work: wires membership, intake, shards, checkpoints and servers together, and takes them down once,
 * in the reverse order, whichever comes first: the end of the run or a call of close. Decisions are elsewhere.
 */
import type { Dataset } from '@facet/datasets';
import { TrainingError, type Plan } from '@facet/shared';
import { startHttpServer } from '@facet/telemetry';
import { CommitLog } from '../commit/commit-log.js';
import type { Coordinator, CoordinatorOptions } from '../coordinator.js';
import { formatAddress, startGrpcServer } from '../grpc/grpc-server.js';
import { createMembership, type Ending, type MembershipPolicy } from '../membership/state.js';
import { createMetrics } from '../metrics/metrics.js';
import { openBroker } from '../shards/broker.js';
import { ShardPublisher } from '../shards/publisher.js';
import { createShardSource } from '../shards/shard-source.js';
import { Checkpointer, type TakenCheckpoint } from './checkpointer.js';
import { systemClock } from './clock.js';
import { Conductor } from './conductor.js';
import { EngineMix } from './engine-mix.js';
import type { EarlierRun } from './earlier-run.js';
import { Greeter } from './greeter.js';
import { History, qualityOf } from './history.js';
import { Intake } from './intake.js';
import { createRecorder } from './recorder.js';
import {
  accuracyOf,
  makeResult,
  storedResult,
  unrecordedResult,
  type MeasuredResult,
  type RunResult,
} from './result.js';
import type { RunFolder } from './run-folder.js';
import { readMetrics, readStatus, serviceDiscovery, type StatusSources } from './status.js';
import { Stopwatch } from './stopwatch.js';
import { welcomeMessage } from './wire-commands.js';
import { WorkerDirectory } from './worker-directory.js';

/** How long workers have to take in their Stop before their streams are cut. */
const DRAIN_MS = 2_000;

export interface RunParts {
  readonly options: CoordinatorOptions;
  readonly folder: RunFolder;
  readonly plan: Plan;
  readonly earlier: EarlierRun;
  readonly dataset: Dataset;
}

/** A run whose workers can join. */
export interface OpenRun {
  readonly coordinator: Coordinator;
  /** Ends the run as failed. */
  readonly fail: (error: TrainingError) => void;
}

/**
 * Opens the broker and the servers of a run.
 *
 * @throws TrainingError BROKER_UNREACHABLE, BROKER_NO_JETSTREAM, PORT_BUSY or CONFIG_INVALID, with everything closed again.
 */
export async function openRun(parts: RunParts): Promise<OpenRun> {
  const closers: (() => void | Promise<void>)[] = [];
  try {
    return await wire(parts, closers);
  } catch (caught) {
    for (const close of closers.reverse()) await close();
    throw caught;
  }
}

async function wire(parts: RunParts, closers: (() => void | Promise<void>)[]): Promise<OpenRun> {
  const { options, folder, plan, dataset, earlier } = parts;
  const { config, codeVersion, log, clock = systemClock } = options;
  const { run } = config;
  const now = (): number => clock.now();
  const startedMs = now();

  const source = createShardSource({ config, plan, dataset });
  const broker = await openBroker({ url: config.nats.url, run, ...source });

  const history = new History(plan, folder.ledger.records);
  const stopwatch = new Stopwatch(now);
  const directory = new WorkerDirectory(folder.checkpoint?.layout);
  const metrics = createMetrics(() => readMetrics(sources));
  const recorder = createRecorder({ ledger: folder.ledger, clock, metrics, log });
  const engines = new EngineMix(folder.checkpoint?.info.engines);
  const commits = new CommitLog({
    config,
    plan,
    committed: earlier.committed,
    desyncAdvice: () => engines.desyncAdvice,
  });
  const policy: MembershipPolicy = { workers: config.workers, ...config.timeouts, plan };

  const fail = (error: TrainingError): void => {
    conductor.dispatch({ kind: 'failed', code: error.code, message: error.message });
  };
  const publisher = new ShardPublisher({
    run,
    plan,
    broker,
    source,
    window: config.prefetchSteps,
    log,
    onPublished: (bytes) => {
      metrics.publishedBytes.inc(bytes);
    },
    onError: fail,
  });
  closers.push(() => publisher.close());
  const intake = new Intake(
    {
      config,
      plan,
      classes: dataset.classes.length,
      commits,
      engines,
      history,
      stopwatch,
      recorder,
      publisher,
      metrics,
      log,
      dispatch: (event) => {
        conductor.dispatch(event);
      },
    },
    earlier.evaluatedSteps,
  );
  const checkpointer = new Checkpointer({
    folder: folder.checkpointsPath,
    keep: config.checkpoint.keep,
    run,
    hasAverage: config.optimizer.emaDecay > 0,
    pullTimeoutMs: config.timeouts.gatherMs,
    clock,
    recorder,
    metrics,
    log,
    latest: latestOf(folder, earlier, now()),
    layout: () => directory.layout,
    describe: (step) => ({
      epoch: step === 0 ? 0 : plan.epochOf(step),
      config,
      codeVersion,
      ledgerStep: commits.lastStep,
      metrics: checkpointMetrics(history, plan, step),
      engines: engines.engines,
    }),
    bestStep: () => history.bestStep,
    onTaken: ({ held }) => {
      conductor.dispatch({ kind: 'checkpointed', held });
    },
    onDesync: fail,
  });
  let onEnd: (ending: Ending) => void = () => undefined;
  const conductor = new Conductor({
    membership: createMembership({ policy, nowMs: now(), ...earlier }),
    policy,
    plan,
    everySteps: config.checkpoint.everySteps,
    isResumed: options.mode === 'resume',
    directory,
    engines,
    intake,
    checkpointer,
    publisher,
    recorder,
    stopwatch,
    metrics,
    clock,
    log,
    greeter: new Greeter({
      wanted: config.workers.count,
      clock,
      welcome: (host) => welcomeMessage(config, dataset, directory.countOn(host)),
    }),
    onEnd: (ending) => {
      onEnd(ending);
    },
  });
  closers.push(() => {
    conductor.close();
  });
  const sources: StatusSources = {
    config,
    plan,
    conductor,
    intake,
    history,
    checkpointer,
    directory,
    engines,
    stopwatch,
    now,
    backlog: () => publisher.backlog,
  };
  const { host, port, httpPort } = config.coordinator;
  const server = await startGrpcServer({
    host,
    port,
    run,
    codeVersion,
    handler: conductor,
    status: () => readStatus(sources),
    stateOf: (step) => checkpointer.stateOf(step),
  });
  closers.push(() => {
    server.close();
  });
  let httpUrl = '';
  const http = await startHttpServer({
    host,
    port: httpPort,
    registry: metrics.registry,
    routes: { '/status': () => readStatus(sources), '/sd': () => serviceDiscovery(httpUrl, directory) },
  });
  httpUrl = `http://${formatAddress(host, http.port)}`;

  const measure = (): MeasuredResult => ({
    run,
    dataset: dataset.name,
    epochs: config.epochs,
    ...accuracyOf({ plan, config }, history),
    trainLoss: history.epochs.findLast(({ trainLoss }) => trainLoss !== undefined)?.trainLoss,
    wallSeconds: (now() - startedMs) / 1_000,
    trainSeconds: stopwatch.seconds,
    imagesPerSecond: stopwatch.samplesPerSecond,
    weightsSha256: checkpointer.latest?.weightsSha256,
    workers: conductor.worldSize,
    generations: conductor.membership.generation - earlier.generation,
    checkpoint: checkpointer.latest?.path,
    bytesExchanged: intake.bytesExchanged,
    engines: engines.engines,
    warnings: engines.note === '' ? folder.warnings : [...folder.warnings, engines.note],
  });

  const tearDown = async (how: Ending, drainMs: number): Promise<void> => {
    conductor.close();
    await checkpointer.close();
    if (drainMs > 0) {
      await recorder.append({ kind: 'end', reason: how.outcome, step: commits.lastStep });
      await server.drain(drainMs);
    } else {
      server.close();
    }
    await http.close();
    await publisher.close();
  };
  /** Whatever goes wrong at the end is in the result, because nobody would see it otherwise. */
  const finish = async (how: Ending, drainMs: number): Promise<RunResult> => {
    // Measured when it ended, not when everything was closed.
    const measured = measure();
    try {
      await tearDown(how, drainMs);
      const result = await makeResult(measured, how, folder.ledger.path);
      if (drainMs > 0) await folder.writeResult(storedResult(result, history));
      await folder.close();
      return result;
    } catch (caught) {
      const { code, message } = TrainingError.from(caught);
      log.error({ code, reason: message }, 'the run ended, but its end could not be recorded');
      const ending: Ending = { outcome: 'failed', code, message: `${how.message}; then: ${message}` };
      return unrecordedResult(measured, ending, commits.lastStep);
    }
  };
  /** Once: by the end of the run, or by close. */
  let finished: Promise<RunResult> | undefined;
  let resolve: (result: RunResult) => void = () => undefined;
  const done = new Promise<RunResult>((settle) => {
    resolve = settle;
  });
  onEnd = (how) => {
    finished ??= finish(how, DRAIN_MS);
    void finished.then(resolve);
  };
  return {
    fail,
    coordinator: {
      address: formatAddress(host, server.port),
      httpUrl,
      done,
      requestStop: (reason) => {
        conductor.dispatch({ kind: 'stop-requested', reason });
      },
      async close() {
        finished ??= finish({ outcome: 'stopped', message: 'closed before the end' }, 0);
        resolve(await finished);
      },
    },
  };
}

function latestOf(
  { checkpoint }: RunFolder,
  { checkpoint: held }: EarlierRun,
  takenAtMs: number,
): TakenCheckpoint | undefined {
  if (checkpoint === undefined || held === undefined) return undefined;
  return { held, path: checkpoint.path, weightsSha256: checkpoint.weightsSha256, takenAtMs };
}

function checkpointMetrics(
  { lastLoss, lastEvaluation }: History,
  { evaluation }: Plan,
  step: number,
): Record<string, number> {
  return {
    ...(lastLoss !== undefined && { trainLoss: lastLoss }),
    ...qualityOf(evaluation, lastEvaluation?.step === step ? lastEvaluation : undefined),
  };
}
