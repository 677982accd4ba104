/**
 * A whole training run on this machine: broker, coordinator and workers as processes of their own, watched until the run
 * has ended. If a worker dies, the others go on, and another one may be started in its place. If a coordinator dies, its
 * standby goes on. If the last coordinator or the last worker dies, the launch fails with what that process said last.
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makePrivateFolder, parseHost, reachableHost, readToken, TrainingError, type RunConfig } from '@facet/shared';
import type { RunResult } from '@facet/coordinator';
import type { CoordinatorAddress } from '../runs/address-file.js';
import type { RunPaths } from '../runs/run-folders.js';
import { readResult } from '../runs/run-result.js';
import { makeRunCertificates, type RunCertificates } from '../tls/run-certificates.js';
import { randomLogins } from '../broker/broker-users.js';
import type { ConnectedHosts, HostsWish } from './hosts/connected-hosts.js';
import { startBroker } from './broker-process.js';
import { endsWithin, type Child, type ChildEnd } from './child-process.js';
import { childFailure, describeFailure } from './log-tail.js';
import { ProcessGroup } from './process-group.js';
import {
  coordinatorSpec,
  resultFile,
  waitForAddress,
  workerSpec,
  type CoordinatorRole,
  type RunPlace,
} from './run-processes.js';
import { tokenFile } from './run-token.js';
import type { PreparedStart } from './start-from.js';
import type { StopSignals } from './stop-signals.js';
import { WorkerCrew, type WorkerDeath } from './worker-crew.js';

export interface LaunchPlan extends RunPlace {
  readonly mode: 'new' | 'resume';
  /** What a new run starts with; written once its folder is claimed. Absent: what its seed gives. */
  readonly start?: Pick<PreparedStart, 'write'> | undefined;
  /** A second coordinator waits to take over; not where it is absent. */
  readonly hasStandby?: boolean;
  /** How many workers may be started in the place of others that died. Default: none. */
  readonly maxRestarts?: number;
  /** Connections between the processes of the run are encrypted, with certificates of its own. */
  readonly isSecure?: boolean;
  /** Where the workers run; absent: on this machine. */
  readonly hosts?: HostsWish | undefined;
  /** The nats-server binary to start; absent: the broker of the configuration is used. */
  readonly brokerBinary: string | undefined;
}

/** Told what happens, while it happens. */
export interface LaunchObserver {
  onCoordinator(coordinator: CoordinatorAddress): void;
  /** Its standby takes over. */
  onCoordinatorDied?(coordinator: Child, end: ChildEnd): void;
  onWorkerDied(death: WorkerDeath): void;
  /** Something about another host, its name first. */
  onHost?(note: string): void;
  onStopping(): void;
}

export interface LaunchEnd {
  /** What the coordinator wrote; undefined when it was stopped before it could. */
  readonly result: RunResult | undefined;
  /** True when a signal ended it. */
  readonly isInterrupted: boolean;
  /** Workers that were started in the place of others. */
  readonly restarts: number;
}

const STOPPED_BEFORE: LaunchEnd = { result: undefined, isInterrupted: true, restarts: 0 };
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
  wanted: LaunchPlan,
  signals: StopSignals,
  observer: LaunchObserver,
): Promise<LaunchEnd> {
  const { paths } = wanted;
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-up-'));
  await using group = new ProcessGroup(folder, signals.kill);
  await makePrivateFolder(paths.logs);
  await wanted.start?.write(paths);
  const hosts = await hostsOf(wanted, group, { signals, observer });
  if (wanted.hosts !== undefined && hosts === undefined) return STOPPED_BEFORE;
  const placed = hosts === undefined ? wanted : { ...wanted, config: hosts.config };
  await using certificates = wanted.isSecure === true ? await certificatesFor(placed) : undefined;
  const plan = { ...placed, certificates };

  const nats = await brokerOf(plan, folder, group);
  const isOwnBroker = plan.brokerBinary !== undefined;
  if (signals.stop.aborted) return STOPPED_BEFORE;
  const startCoordinator = async (role: CoordinatorRole): Promise<Child> =>
    group.start('coordinator', await coordinatorSpec(plan, { role, mode: plan.mode, nats, isOwnBroker, folder }));
  const coordinator = await startCoordinator('coordinator');
  const coordinators = [coordinator];
  using stopping = stopOnSignal(coordinators, signals, observer);
  const found = await waitForAddress(coordinator, paths, signals.stop);
  let crew: Crew | undefined;
  if (found !== undefined) {
    let leader = found;
    const onCoordinator = (address: CoordinatorAddress): void => {
      leader = address;
      observer.onCoordinator(address);
    };
    onCoordinator(found);
    if (plan.hasStandby === true && !signals.stop.aborted) {
      const standby = await startCoordinator('standby');
      coordinators.push(standby);
      void coordinator.ended.then((end) =>
        followStandby({ coordinator, end, standby, folder }, paths, {
          signals,
          observer: { ...observer, onCoordinator },
        }),
      );
    }
    const isOver = (): boolean => signals.stop.aborted || haveEnded(coordinators);
    const maxRestarts = plan.maxRestarts ?? 0;
    crew =
      hosts === undefined
        ? new WorkerCrew({
            count: plan.config.workers.count,
            maxRestarts,
            start: (index) => group.start('worker', workerSpec(plan, { index, coordinator: leader.address })),
            failureOf: describeFailure,
            isOver,
            onDied: (death) => {
              observer.onWorkerDied(death);
            },
            wait: (ms) => delay(ms, undefined, { signal: signals.stop }).catch(() => undefined),
          })
        : hosts.crew({
            ...{ maxRestarts, certificates, isOver },
            coordinator: () => leader.address,
            token: (await readToken(tokenFile(paths))).reveal(),
          });
    await watch({ coordinators, crew, signals });
  }
  await stopping.settled();
  await allEnded(coordinators);
  const result =
    (await readResult(resultFile(folder, 'coordinator'))) ?? (await readResult(resultFile(folder, 'standby')));
  const restarts = crew?.restarts ?? 0;
  if (signals.stop.aborted) return { result, isInterrupted: result?.outcome !== 'finished', restarts };
  if (result === undefined) throw await childFailure(coordinators.at(-1)!);
  return { result, isInterrupted: false, restarts };
}

interface Succession {
  readonly coordinator: Child;
  readonly end: ChildEnd;
  readonly standby: Child;
  /** Where results are. */
  readonly folder: string;
}

/** The coordinator has ended: says so when the run goes on without it, and where its successor is. */
async function followStandby(
  { coordinator, end, standby, folder }: Succession,
  paths: RunPaths,
  { signals, observer }: { readonly signals: StopSignals; readonly observer: LaunchObserver },
): Promise<void> {
  if (signals.stop.aborted || standby.end() !== undefined) return;
  // The run has ended, and the standby follows at once.
  if ((await readResult(resultFile(folder, 'coordinator'))) !== undefined) return;
  observer.onCoordinatorDied?.(coordinator, end);
  // One that never leads is what the launch itself fails of.
  const found = await waitForAddress(standby, paths, signals.stop).catch(() => undefined);
  if (found !== undefined) observer.onCoordinator(found);
}

/** Connects to the hosts of the workers; undefined when all is on this machine, or a signal came first. */
async function hostsOf(
  { hosts, config, env, paths }: LaunchPlan,
  group: ProcessGroup,
  { signals, observer }: { readonly signals: StopSignals; readonly observer: LaunchObserver },
): Promise<ConnectedHosts | undefined> {
  if (hosts === undefined) return undefined;
  const { connectHosts } = await import('./hosts/connected-hosts.js');
  return connectHosts(hosts, {
    ...{ config, env, group, logs: paths.logs, stop: signals.stop },
    onNote: (note) => {
      observer.onHost?.(note);
    },
  });
}

/** At which others reach the processes of a launch. */
function namesOf({ host, advertise }: RunConfig['coordinator']): string[] {
  const told = advertise === undefined ? undefined : parseHost(advertise)?.host;
  return [reachableHost(host), ...(told === undefined ? [] : [told])];
}

function certificatesFor({ paths, config }: LaunchPlan): Promise<RunCertificates> {
  return makeRunCertificates({
    folder: paths.tls,
    hosts: namesOf(config.coordinator),
    onTrouble: (message) => {
      process.emitWarning(message);
    },
  });
}

function allEnded(children: readonly Child[]): Promise<unknown> {
  return Promise.all(children.map(({ ended }) => ended));
}

function haveEnded(children: readonly Child[]): boolean {
  return children.every((child) => child.end() !== undefined);
}

async function allEndWithin(children: readonly Child[], limitMs: number): Promise<boolean> {
  return (await Promise.all(children.map((child) => endsWithin(child, limitMs)))).every((hasEnded) => hasEnded);
}

/** A broker of the launch's own has users of its own: another user of this machine can do nothing with it. */
async function brokerOf(plan: LaunchPlan, folder: string, group: ProcessGroup): Promise<RunConfig['nats']> {
  const { brokerBinary: binary, config, env, paths } = plan;
  if (binary === undefined) return config.nats;
  const users = { run: config.run, logins: randomLogins() };
  const tlsFolder = plan.certificates?.folderOf('broker');
  // Workers of other hosts reach it where they reach the coordinator.
  const host = plan.hosts === undefined ? {} : { host: config.coordinator.host };
  const options = { binary, folder, logFile: path.join(paths.logs, 'broker.log'), env, tlsFolder, users, ...host };
  const broker = await startBroker(options, (child) => {
    group.adopt('broker', child);
  });
  return { url: broker.url, workerUrl: broker.workerUrl };
}

/** The first signal stops the coordinators in order, until this is disposed of; one that takes too long is killed. */
function stopOnSignal(
  coordinators: readonly Child[],
  signals: StopSignals,
  observer: LaunchObserver,
): Disposable & { settled(): Promise<void> } {
  let stopping: Promise<void> | undefined;
  const stop = (): void => {
    observer.onStopping();
    for (const coordinator of coordinators) coordinator.signal('SIGINT');
    stopping = allEndWithin(coordinators, STOP_DEADLINE_MS).then((ended) => {
      if (!ended) for (const coordinator of coordinators) coordinator.kill();
    });
  };
  if (signals.stop.aborted) stop();
  else signals.stop.addEventListener('abort', stop, { once: true });
  return {
    settled: async () => stopping,
    [Symbol.dispose]() {
      signals.stop.removeEventListener('abort', stop);
    },
  };
}

/** The workers of a launch, wherever they run. */
type Crew = Pick<WorkerCrew, 'gone' | 'restarts' | 'started' | 'firstFailed'>;

interface Watched {
  readonly coordinators: readonly Child[];
  readonly crew: Crew;
  readonly signals: StopSignals;
}

/** Returns when every coordinator has ended; throws when the workers are gone and it goes on without them. */
async function watch({ coordinators, crew, signals }: Watched): Promise<void> {
  await Promise.race([allEnded(coordinators), crew.gone]);
  const { firstFailed: failed, started } = crew;
  if (haveEnded(coordinators) || signals.stop.aborted) return;
  if (await allEndWithin(coordinators, failed === undefined ? FINISH_DEADLINE_MS : FAILURE_GRACE_MS)) return;
  if (signals.stop.aborted) return;
  for (const coordinator of coordinators) coordinator.signal('SIGINT');
  if (!(await allEndWithin(coordinators, FAILURE_GRACE_MS))) for (const coordinator of coordinators) coordinator.kill();
  if (failed === undefined) throw await childFailure(coordinators.at(-1)!);
  const cause = await childFailure(failed);
  const count = started === 1 ? 'the only worker has' : `all ${started} workers have`;
  throw new TrainingError(cause.code, `${count} ended, so the run cannot go on; ${cause.message}`, { cause });
}
