/**
 * A run that the recovery bench harms: broker, coordinator and workers of the real command, one replaced as soon as it is gone.
 * What happened and when is read from the ledger and from the coordinator's log, both stamped by the coordinator itself.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readLedgerRecords, type CommitRecord, type LedgerRecord } from '@facet/shared';
import { findBroker, freePort, startBroker } from 'facet-train/internal';
import { facetCommand } from '../process/facet-command.js';
import { scrapeRun } from '../run-metrics.js';
import { createChildren } from '../process/children.js';
import { readCoordinatorLog, type LogLine } from './coordinator-log.js';
import { steadyOf, type Steady } from './steady.js';

const RUN = 'recovery';
const POLL_MS = 20;
const DEADLINE_MS = 180_000;
/** Log lines of the coordinator that say that it knows. */
const NOTICED = new Set(['worker gone', 'worker dropped', 'regrouping']);

export interface RecoveryRunOptions {
  readonly folder: string;
  readonly workers: number;
  readonly checkpointEvery: number;
  /** In NATS, and no coordinator sees the disk of another one. */
  readonly isStored: boolean;
  readonly signal: AbortSignal;
}

export interface RecoveryRun extends AsyncDisposable {
  waitForSteps(steps: number): Promise<void>;
  /** Until everybody trains and has done some steps together. */
  waitForFullWorld(steps: number): Promise<void>;
  /** Sends a signal to a worker and replaces it; how long until it was noticed, and until the next step. */
  harm(signal: NodeJS.Signals): Promise<{ readonly detectionMs: number; readonly recoveryMs: number }>;
  /**
   * Starts a standby and sends a signal to the leader; how long until the next step. SIGKILL is noticed on the same machine;
   * SIGSTOP is like a machine that is gone, where only the lease tells.
   */
  failOver(signal: NodeJS.Signals, calmSteps: number): Promise<{ readonly recoveryMs: number }>;
  /** What a step takes while nothing happens. */
  readSteady(): Promise<Steady>;
}

/** Starts the run; resolves when its processes are started. Every wait ends with the signal. */
export async function openRecoveryRun(options: RecoveryRunOptions): Promise<RecoveryRun> {
  const { folder, workers, checkpointEvery, isStored, signal } = options;
  const found = await findBroker({ env: process.env });
  if (!found.ok) throw new Error('no nats-server was found; npm test installs one');
  const port = await freePort('127.0.0.1');
  /** Of the coordinators, in the order in which they led. */
  const runsFolders = [path.join(folder, 'runs')];
  const logFile = path.join(folder, 'coordinator.log');
  const token = randomBytes(32).toString('hex');
  const env = { ...process.env, FACET_RUNS: runsFolders[0], FACET_RUN_TOKEN: token };
  const broker = { binary: found.broker.path, folder, logFile: path.join(folder, 'broker.log'), env };
  const nats = await startBroker(broker, () => undefined);
  const children = createChildren(env);
  const startCoordinator = (...flags: string[]) => {
    const log = openSync(logFile, 'a');
    const store = isStored ? ['--store', nats.url.replace(/\/$/, '')] : [];
    const args = facetCommand('coordinator', '--nats', nats.url, '--exit-with-parent', ...store, ...flags);
    const child = children.start(args, log, { FACET_RUNS: runsFolders.at(-1) });
    closeSync(log);
    return child;
  };
  const startWorker = () =>
    children.start(facetCommand('worker', '--coordinator', `127.0.0.1:${port}`, '--exit-with-parent'), 'ignore');

  const sets = [`checkpoint.everySteps=${checkpointEvery}`, 'epochs=1000', 'samples.test=256', 'engine.threads=1'];
  let leader = startCoordinator(
    ...['--run', RUN, '--dataset', 'mnist', '--workers', String(workers), '--port', String(port)],
    ...sets.flatMap((set) => ['--set', set]),
  );
  const living = Array.from({ length: workers }, startWorker);

  const commits = async (): Promise<CommitRecord[]> => {
    // There is no ledger yet when it cannot be read; that of a standby is behind until it leads.
    const ledgers: (readonly LedgerRecord[])[] = await Promise.all(
      runsFolders.map((runs) => readLedgerRecords(path.join(runs, RUN, 'ledger.jsonl')).catch(() => [])),
    );
    const longest = ledgers.reduce((most, records) => (records.length > most.length ? records : most));
    return longest.filter((record) => record.kind === 'commit');
  };
  const log = (): Promise<LogLine[]> => readCoordinatorLog(logFile);
  const until = async <T>(what: string, find: () => Promise<T | undefined>): Promise<T> => {
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      signal.throwIfAborted();
      const result = await find();
      if (result !== undefined) return result;
      if (performance.now() > deadline)
        throw new Error(
          `${what} did not come within ${DEADLINE_MS} ms; the coordinator's log:\n${await tailOf(logFile)}`,
        );
      await delay(POLL_MS, undefined, { signal });
    }
  };
  const wait = async (what: string, isSo: () => Promise<boolean>): Promise<void> => {
    await until(what, async () => ((await isSo()) ? true : undefined));
  };

  /** Does something; when it was done, and when the next step of a later generation was committed. */
  const nextStepAfter = async (act: () => void): Promise<{ atMs: number; recoveryMs: number }> => {
    const generation = (await commits()).at(-1)?.generation ?? 0;
    const atMs = Date.now();
    act();
    const commit = await until('the next step', async () =>
      (await commits()).find((record) => record.generation > generation && Date.parse(record.at) >= atMs),
    );
    return { atMs, recoveryMs: Date.parse(commit.at) - atMs };
  };
  const waitForFullWorld = (steps: number): Promise<void> =>
    wait('a full world', async () => {
      const formed = (await log()).findLast(({ msg }) => msg === 'forming a generation');
      if (formed?.worldSize !== workers) return false;
      return (await commits()).filter(({ generation }) => generation === formed.generation).length >= steps;
    });

  return {
    waitForSteps: (steps) => wait(`step ${steps}`, async () => (await commits()).length >= steps),
    waitForFullWorld,
    async harm(name) {
      const [victim] = living.splice(Math.floor(Math.random() * living.length), 1);
      const { atMs, recoveryMs } = await nextStepAfter(() => victim!.kill(name));
      const noticed = await until('a word of it in the log', async () =>
        (await log()).find(({ msg, time }) => NOTICED.has(msg) && time >= atMs),
      );
      if (name !== 'SIGKILL') victim!.kill('SIGKILL');
      living.push(startWorker());
      return { detectionMs: noticed.time - atMs, recoveryMs };
    },
    async failOver(name, calmSteps) {
      if (isStored) runsFolders.push(path.join(folder, `runs-${runsFolders.length + 1}`));
      const standby = startCoordinator('--run', RUN, '--standby', '--port', '0', '--http-port', '0');
      await wait('a standby', async () =>
        (await log()).some(({ pid, msg }) => pid === standby.pid && msg === 'another coordinator leads the run'),
      );
      await waitForFullWorld(calmSteps);
      const { recoveryMs } = await nextStepAfter(() => leader.kill(name));
      leader.kill('SIGKILL');
      leader = standby;
      return { recoveryMs };
    },
    async readSteady() {
      const scraped = await scrapeRun(path.join(runsFolders[0]!, RUN), signal);
      const ofWorkers = scraped.filter(({ role }) => role === 'worker').map(({ metrics }) => metrics);
      return steadyOf(await commits(), ofWorkers, checkpointEvery);
    },
    async [Symbol.asyncDispose]() {
      await children.killAll();
      nats.process.kill();
      await nats.process.ended;
    },
  };
}

async function tailOf(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => String(error));
  return text.trim().split('\n').slice(-5).join('\n');
}
