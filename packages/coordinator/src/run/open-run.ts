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
  /** Ends the run as failed; not when another coordinator has it. */
  readonly fail: (error: TrainingError) => void;
}

/** Workers are told, or only lose their streams; and what lies in the broker is removed, or left to a successor. */
type TearDown = 'orderly' | 'at-once' | 'left';

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
  const { config, codeVersion, log, clock = systemClock, leadership } = options;
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
    isLeading: () => leadership?.isHeld() ?? true,
    onFenced: (reason) => leadership?.onFenced(reason),
    onEnd: (ending) => {
      onEnd(ending);
    },
  });
  const { conductor, intake, checkpointer, publisher, recorder } = assembly;
  const { term, history, directory, engines, stopwatch, stragglers } = assembly;
  closers.push(
    () => publisher.close('delete-stream'),
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
    stragglers,
    now,
    backlog: () => publisher.backlog,
  };
  const { host, port, httpPort } = config.coordinator;
  const server = await startGrpcServer({
    host,
    port,
    run,
    term,
    codeVersion,
    handler: conductor,
    clock,
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

  const tearDown = async (way: TearDown, { outcome }: Pick<Ending, 'outcome'>): Promise<void> => {
    conductor.close();
    await checkpointer.close();
    if (way === 'orderly') {
      await recorder.append({ kind: 'end', reason: outcome, step: intake.committedStep });
      await server.drain(DRAIN_MS);
    } else {
      server.close();
    }
    await http.close();
    await publisher.close(way === 'left' ? 'keep-stream' : 'delete-stream');
  };
  /** The folder is free for others, whatever went wrong before. */
  const letGo = (): Promise<void> =>
    folder.close().catch((caught: unknown) => {
      log.error({ reason: TrainingError.from(caught).message }, 'the folder of the run could not be closed');
    });
  /**
   * Whatever goes wrong at the end is in the result, because nobody would see it otherwise. There is none when it turns out at the
   * end that another coordinator has the run.
   */
  const finish = async (how: Ending, way: TearDown): Promise<RunResult | undefined> => {
    // Measured when it ended, not when everything was closed.
    const measured = measure();
    try {
      await tearDown(way, how);
      if (leadership !== undefined && !(await folder.isHeld())) {
        leadership.onFenced("another coordinator has taken over the run's folder");
        return undefined;
      }
      const result = await makeResult(measured, how, folder.ledger.path);
      if (way === 'orderly') await folder.writeResult(storedResult(result, history));
      await folder.close();
      return result;
    } catch (caught) {
      const { code, message } = TrainingError.from(caught);
      log.error({ code, reason: message }, 'the run ended, but its end could not be recorded');
      const ending: Ending = { outcome: 'failed', code, message: `${how.message}; then: ${message}` };
      return unrecordedResult(measured, ending, intake.committedStep);
    } finally {
      await letGo();
    }
  };
  /** Once: by the end of the run, by close, or by stepDown. */
  let finished: Promise<RunResult | undefined> | undefined;
  let resolve: (result: RunResult) => void = () => undefined;
  const done = new Promise<RunResult>((settle) => {
    resolve = settle;
  });
  const end = async (how: Ending, way: TearDown): Promise<void> => {
    finished ??= finish(how, way);
    const result = await finished;
    if (result !== undefined) resolve(result);
  };
  onEnd = (how) => void end(how, 'orderly');
  return {
    fail: (error) => {
      if (leadership !== undefined && error.code === 'RUN_LOCKED') leadership.onFenced(error.message);
      else assembly.fail(error);
    },
    coordinator: {
      address: formatAddress(host, server.port),
      httpUrl,
      done,
      requestStop: (reason) => {
        conductor.dispatch({ kind: 'stop-requested', reason });
      },
      close: () => end({ outcome: 'stopped', message: 'closed before the end' }, 'at-once'),
      async stepDown() {
        finished ??= tearDown('left', { outcome: 'stopped' })
          .then(() => undefined)
          .finally(letGo);
        await finished;
      },
    },
  };
}
