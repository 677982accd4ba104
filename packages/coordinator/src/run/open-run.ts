/**
 * One coordinator at work: opens the broker and the servers around the assembly of its decisions, and takes everything down
 * once, in the reverse order, whichever comes first: the end of the run or a call of close.
 */
import type { Dataset } from '@facet/datasets';
import { systemClock, TrainingError, type Plan } from '@facet/shared';
import { startHttpServer } from '@facet/telemetry';
import type { Coordinator, CoordinatorOptions } from '../coordinator.js';
import { formatAddress, startGrpcServer } from '../grpc/grpc-server.js';
import type { Ending } from '../membership/state.js';
import { createMetrics } from '../metrics/metrics.js';
import { openBroker } from '../shards/broker.js';
import { createShardSource } from '../shards/shard-source.js';
import { machineIo } from './checkpointer.js';
import type { EarlierRun } from './earlier-run.js';
import {
  accuracyOf,
  makeResult,
  storedResult,
  unrecordedResult,
  type MeasuredResult,
  type RunResult,
} from './result.js';
import { assembleRun } from './run-assembly.js';
import type { RunFolder } from './run-folder.js';
import { readMetrics, readStatus, serviceDiscovery, type StatusSources } from './status.js';

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

  let onEnd: (ending: Ending) => void = () => undefined;
  const metrics = createMetrics(() => readMetrics(sources));
  const assembly = assembleRun({
    config,
    mode: options.mode,
    codeVersion,
    plan,
    dataset,
    earlier,
    folder,
    broker,
    source,
    io: machineIo,
    metrics,
    clock,
    log,
    onEnd: (ending) => {
      onEnd(ending);
    },
  });
  const { conductor, intake, checkpointer, publisher, recorder } = assembly;
  const { history, directory, engines, stopwatch, fail } = assembly;
  closers.push(
    () => publisher.close(),
    () => {
      conductor.close();
    },
  );
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
    generations: conductor.generations,
    checkpoint: checkpointer.latest?.path,
    bytesExchanged: intake.bytesExchanged,
    engines: engines.engines,
    warnings: engines.note === '' ? folder.warnings : [...folder.warnings, engines.note],
  });

  const tearDown = async (how: Ending, drainMs: number): Promise<void> => {
    conductor.close();
    await checkpointer.close();
    if (drainMs > 0) {
      await recorder.append({ kind: 'end', reason: how.outcome, step: intake.committedStep });
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
      return unrecordedResult(measured, ending, intake.committedStep);
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
