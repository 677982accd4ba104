/**
 * One coordinator at work: opens the broker and the servers around the assembly of its decisions. How it ends is in run-life.ts.
 */
import type { RunData } from '@facet/task/data';
import { formatAddress, listeningHost, systemClock, TrainingError, withChange } from '@facet/shared';
import { coordinatorLimits } from '@facet/proto';
import { registerDiskGauge, startHttpServer } from '@facet/telemetry';
import { runPage, type RunFeed } from '@facet/view';
import type { Coordinator, CoordinatorOptions } from '../coordinator.js';
import { startGrpcServer } from '../grpc/grpc-server.js';
import { strangerCounter } from '../grpc/strangers.js';
import type { Ending } from '../membership/state.js';
import { createMetrics } from '../metrics/metrics.js';
import { openBroker } from '../shards/broker.js';
import { createShardSource } from '../shards/shard-source.js';
import { announcedHost } from './announced-host.js';
import { machineIo } from './checkpointer.js';
import type { EarlierRun } from './earlier-run.js';
import type { EndablePlan } from './endable-plan.js';
import { whyNotReady } from './readiness.js';
import {
  makeResult,
  resultModel,
  storedResult,
  type MeasuredResult,
  type ResultModel,
  type RunResult,
} from './result.js';
import { assembleRun } from './run-assembly.js';
import type { RunFolder } from './run-folder.js';
import { createRunLife } from './run-life.js';
import { serviceDiscovery } from './service-discovery.js';
import { readMetrics, readStatus, type StatusSources } from './status.js';

export interface RunParts {
  readonly options: CoordinatorOptions;
  readonly folder: RunFolder;
  readonly plan: EndablePlan;
  readonly earlier: EarlierRun;
  readonly data: RunData;
  /** What pages are told; it has the records of the ledger. */
  readonly feed: RunFeed;
}

/** A run whose workers can join. */
export interface OpenRun {
  readonly coordinator: Coordinator;
  /** Ends the run as failed; not when another coordinator has it. */
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
  const { options, folder, plan, data, earlier, feed } = parts;
  const { config, codeVersion, log, clock = systemClock, leadership, tls, brokerCredentials: credentials } = options;
  const { run } = config;
  const { url, replicas = 1 } = config.nats;
  const now = (): number => clock.now();
  const startedMs = now();

  const source = createShardSource({ config, plan, data });
  const broker = await openBroker({ url, replicas, tls, credentials, run, ...source });

  let onEnd: (ending: Ending) => void = () => undefined;
  const metrics = createMetrics(() => readMetrics(sources));
  registerDiskGauge({
    registry: metrics.registry,
    name: 'facet_coordinator_disk_free_bytes',
    help: "Bytes that may still be written to the disk of the run's folder.",
    folder: options.runFolder,
  });
  const assembly = assembleRun({
    config,
    codeVersion,
    plan,
    data,
    earlier,
    folder,
    broker,
    source,
    io: folder.storing(machineIo(tls)),
    metrics,
    clock,
    log,
    isLeading: () => leadership?.isHeld() ?? true,
    onFenced: (reason) => leadership?.onFenced(reason),
    onEnd: (ending) => {
      onEnd(ending);
    },
  });
  const { conductor, intake, checkpointer, publisher } = assembly;
  const { term, history, directory, engines, stopwatch, stragglers, outliers } = assembly;
  closers.push(
    () => publisher.close(() => true),
    () => {
      conductor.close();
      conductor.sendOff();
      assembly.operations.close();
    },
  );
  const sources: StatusSources = {
    config,
    dataset: data.name,
    plan,
    conductor,
    intake,
    history,
    checkpointer,
    directory,
    engines,
    stopwatch,
    stragglers,
    outliers,
    now,
    backlog: () => publisher.backlog,
  };
  const { port, httpPort } = config.coordinator;
  const host = listeningHost(config.coordinator.host);
  const announced = await announcedHost({ place: config.coordinator, brokerUrl: url });
  const server = await startGrpcServer({
    host,
    port,
    tls,
    onRefused: ({ address, reason, untold }) => {
      log.warn({ address, untold }, `a connection was refused: ${reason}`);
    },
    states: { passes: folder.key.passes.verifier, generation: () => conductor.membership.generation },
    gate: {
      ...{ run, runId: folder.key.id, token: folder.token, operatorToken: folder.operatorToken },
      onStranger: strangerCounter(metrics, log),
    },
    term,
    codeVersion,
    handler: conductor,
    obey: (order) => assembly.operations.obey(order),
    clock,
    status: () => readStatus(sources),
    connections: coordinatorLimits(config.workers.max),
    evaluation: {
      microBatches: plan.microBatchCount({ kind: 'evaluate', step: plan.totalSteps }),
      classes: data.answerClasses,
    },
    stateOf: (step) => checkpointer.stateOf(step),
  });
  closers.push(() => {
    server.close();
  });
  let httpUrl = '';
  feed.tellStatus(() => readStatus(sources));
  const httpTls = config.tls?.http === 'plain' ? undefined : tls;
  const http = await startHttpServer({
    host,
    port: httpPort,
    tls: httpTls,
    login: options.httpLogin,
    registry: metrics.registry,
    whyNotReady: () => whyNotReady(conductor.membership),
    routes: { '/status': () => readStatus(sources), '/sd': () => serviceDiscovery(httpUrl, directory) },
    pages: (path) => runPage(feed, path),
  });
  httpUrl = `${httpTls === undefined ? 'http' : 'https'}://${formatAddress(announced.host, http.port)}`;

  const measure = ({ confusion: _confusion, warning, ...model }: ResultModel): MeasuredResult => ({
    run,
    dataset: data.name,
    epochs: plan.totalSteps / plan.stepsPerEpoch,
    ...model,
    trainLoss: history.epochs.findLast(({ trainLoss }) => trainLoss !== undefined)?.trainLoss,
    wallSeconds: earlier.effort.wallSeconds + (now() - startedMs) / 1_000,
    trainSeconds: stopwatch.seconds,
    imagesPerSecond: stopwatch.samplesPerSecond,
    workers: conductor.worldSize,
    generations: earlier.effort.generations + conductor.generations,
    bytesExchanged: intake.bytesExchanged,
    engines: engines.engines,
    warnings: [...folder.warnings, engines.note, engines.programNote, warning ?? ''].filter((text) => text !== ''),
  });

  const life = createRunLife<RunResult>({
    assembly,
    folder,
    server,
    closeOthers: () => http.close(),
    measure: () => {
      const { latest } = checkpointer;
      const model = resultModel({ plan, config }, history, latest && { ...latest, step: latest.held.step });
      const measured = measure(model);
      const ledger = { path: folder.ledger.path, steps: intake.committedStep };
      return {
        async recorded(how, way) {
          if (plan.earlyEnd !== undefined) await folder.storeChanges(withChange(config, plan.earlyEnd));
          const result = await makeResult(measured, how, ledger);
          if (way === 'orderly') await folder.writeResult(storedResult(result, model, history));
          return result;
        },
        unrecorded: (how) => makeResult(measured, how, ledger),
      };
    },
    leadership,
    log,
  });
  const { fail, done, requestStop, requestHandOver, close, stepDown } = life;
  onEnd = life.onEnd;
  const requestCheckpoint = (reason: string): void => {
    assembly.operations.checkpoint().then(
      ({ message, step }) => {
        log.info({ step, reason }, message);
      },
      (caught: unknown) => {
        log.warn({ reason: TrainingError.from(caught).message }, 'the checkpoint that was asked for was not taken');
      },
    );
  };
  const address = formatAddress(announced.host, announced.port ?? server.port);
  const requests = { requestStop, requestHandOver, requestCheckpoint };
  return { fail, coordinator: { address, httpUrl, done, ...requests, close, stepDown } };
}
