/**
 * A whole training run on this machine: broker, coordinator and workers as processes of their own, watched until the run
 * has ended. A worker that dies is reported and the others go on; when the coordinator or the last worker dies, the launch
 * fails with what that process said last.
 */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TrainingError } from '@facet/shared';
import type { RunResult } from '@facet/coordinator';
import type { CoordinatorAddress } from '../runs/address-file.js';
import { readResult } from '../runs/run-result.js';
import { startBroker } from './broker-process.js';
import { endsWithin, type Child, type ChildEnd } from './child-process.js';
import { childFailure } from './log-tail.js';
import { ProcessGroup } from './process-group.js';
import { coordinatorSpec, resultFile, waitForAddress, workerSpec, type RunPlace } from './run-processes.js';
import type { StopSignals } from './stop-signals.js';

export interface LaunchPlan extends RunPlace {
  readonly mode: 'new' | 'resume';
  /** The nats-server binary to start; absent: the broker of the configuration is used. */
  readonly brokerBinary: string | undefined;
}

/** Told what happens, while it happens. */
export interface LaunchObserver {
  onCoordinator(coordinator: CoordinatorAddress): void;
  onWorkerDied(worker: Child, end: ChildEnd): void;
  onStopping(): void;
}

export interface LaunchEnd {
  /** What the coordinator wrote; undefined when it was stopped before it could. */
  readonly result: RunResult | undefined;
  /** True when a signal ended it. */
  readonly isInterrupted: boolean;
}

const STOP_DEADLINE_MS = 30_000;
/** After the last worker has ended in order, the coordinator still writes its checkpoint. */
const FINISH_DEADLINE_MS = 60_000;
/** After the last worker has failed, a coordinator that is failing too says why better than they can. */
const FAILURE_GRACE_MS = 3_000;

/**
 * Runs the processes of a run to its end.
 *
 * @throws TrainingError with what the process that failed said.
 */
export async function launchTraining(
  plan: LaunchPlan,
  signals: StopSignals,
  observer: LaunchObserver,
): Promise<LaunchEnd> {
  const { paths, config } = plan;
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-up-'));
  await using group = new ProcessGroup(folder, signals.kill);
  await mkdir(paths.logs, { recursive: true });

  const natsUrl = await brokerUrl(plan, folder, group);
  if (signals.stop.aborted) return { result: undefined, isInterrupted: true };
  const coordinator = group.start('coordinator', await coordinatorSpec(plan, { mode: plan.mode, natsUrl, folder }));
  const stopping = stopOnSignal(coordinator, signals, observer);
  const found = await waitForAddress(coordinator, paths, signals.stop);
  if (found !== undefined) {
    observer.onCoordinator(found);
    const workers = Array.from({ length: config.workers.count }, (_, index) =>
      group.start('worker', workerSpec(plan, index, found.address)),
    );
    await watch({ coordinator, workers, signals, observer });
  }
  await stopping.settled();
  await coordinator.ended;
  const result = await readResult(resultFile(folder));
  if (signals.stop.aborted) return { result, isInterrupted: result?.outcome !== 'finished' };
  if (result === undefined) throw await childFailure(coordinator);
  return { result, isInterrupted: false };
}

async function brokerUrl(plan: LaunchPlan, folder: string, group: ProcessGroup): Promise<string> {
  const { brokerBinary: binary, config, env, paths } = plan;
  if (binary === undefined) return config.nats.url;
  const options = { binary, folder, logFile: path.join(paths.logs, 'broker.log'), env };
  const broker = await startBroker(options, (child) => {
    group.adopt('broker', child);
  });
  return broker.url;
}

/** The first signal stops the coordinator in order; if that takes too long, it is killed. */
function stopOnSignal(
  coordinator: Child,
  signals: StopSignals,
  observer: LaunchObserver,
): { settled(): Promise<void> } {
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    observer.onStopping();
    coordinator.signal('SIGINT');
    stopping = endsWithin(coordinator, STOP_DEADLINE_MS).then((ended) => {
      if (!ended) coordinator.kill();
    });
  };
  if (signals.stop.aborted) stop();
  else signals.stop.addEventListener('abort', stop, { once: true });
  return { settled: async () => stopping };
}

interface Watched {
  readonly coordinator: Child;
  readonly workers: readonly Child[];
  readonly signals: StopSignals;
  readonly observer: LaunchObserver;
}

/** Returns when the coordinator has ended; throws when the workers are gone and it goes on without them. */
async function watch({ coordinator, workers, signals, observer }: Watched): Promise<void> {
  for (const worker of workers) {
    void worker.ended.then((end) => {
      const isExpected = end.code === 0 || signals.stop.aborted || coordinator.end() !== undefined;
      if (!isExpected) observer.onWorkerDied(worker, end);
    });
  }
  await Promise.race([coordinator.ended, Promise.all(workers.map(({ ended }) => ended))]);
  const failed = workers.find((worker) => (worker.end()?.code ?? 0) !== 0);
  if (coordinator.end() !== undefined || signals.stop.aborted) return;
  if (await endsWithin(coordinator, failed === undefined ? FINISH_DEADLINE_MS : FAILURE_GRACE_MS)) return;
  if (signals.stop.aborted) return;
  coordinator.signal('SIGINT');
  if (!(await endsWithin(coordinator, FAILURE_GRACE_MS))) coordinator.kill();
  if (failed === undefined) throw await childFailure(coordinator);
  const cause = await childFailure(failed);
  const count = workers.length === 1 ? 'the only worker has' : `all ${workers.length} workers have`;
  throw new TrainingError(cause.code, `${count} ended, so the run cannot go on; ${cause.message}`, { cause });
}
