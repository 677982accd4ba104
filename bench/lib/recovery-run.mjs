/**
 * A run that the recovery bench harms: broker, coordinator and workers of the real command, one replaced as soon as it is gone.
 * What happened and when is read from the ledger and from the coordinator's log, both stamped by the coordinator itself.
 */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findBroker } from '../../packages/cli/dist/broker/find-broker.js';
import { startBroker } from '../../packages/cli/dist/launch/broker-process.js';
import { freePort } from '../../packages/cli/dist/launch/free-port.js';
import { readLedgerRecords } from '../../packages/shared/dist/index.js';
import { median } from './figures.mjs';
import { parseMetrics, scrapeRun } from './scrape.mjs';

const MAIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const RUN = 'recovery';
const POLL_MS = 20;
const DEADLINE_MS = 180_000;
/** Log lines of the coordinator that say that it knows. */
const NOTICED = new Set(['worker gone', 'worker dropped', 'regrouping']);

/** Starts the run; returns when its processes are started. */
export async function openRecoveryRun({ folder, workers, checkpointEvery }) {
  const broker = await findBroker({ env: process.env });
  if (!broker.ok) throw new Error('no nats-server was found; npm test installs one');
  const port = await freePort('127.0.0.1');
  const runFolder = path.join(folder, 'runs', RUN);
  const logFile = path.join(folder, 'coordinator.log');
  const env = { ...process.env, FACET_RUNS: path.join(folder, 'runs') };
  const nats = await startBroker(
    { binary: broker.broker.path, folder, logFile: path.join(folder, 'broker.log'), env },
    () => undefined,
  );
  const children = new Set();
  const start = (command, args, log) => {
    const child = spawn(command, args, { env, stdio: ['pipe', log, log] });
    children.add(child);
    child.once('exit', () => children.delete(child));
    return child;
  };
  const sets = [`checkpoint.everySteps=${checkpointEvery}`, 'epochs=1000', 'samples.test=256', 'engine.threads=1'];
  const flags = ['--run', RUN, '--dataset', 'mnist', '--workers', String(workers), '--port', String(port)];
  const settings = sets.flatMap((set) => ['--set', set]);
  const startCoordinator = (...more) =>
    start(
      process.execPath,
      [MAIN, 'coordinator', '--nats', nats.url, '--exit-with-parent', ...more],
      openSync(logFile, 'a'),
    );
  let leader = startCoordinator(...flags, ...settings);
  const living = new Set();
  const startWorker = () => {
    const child = start(
      process.execPath,
      [MAIN, 'worker', '--coordinator', `127.0.0.1:${port}`, '--exit-with-parent'],
      'ignore',
    );
    living.add(child);
  };
  for (let index = 0; index < workers; index++) startWorker();

  const commits = async () => {
    const records = await readLedgerRecords(path.join(runFolder, 'ledger.jsonl')).catch(() => []);
    return records.filter(({ kind }) => kind === 'commit');
  };
  const log = () => readLines(logFile);
  const until = async (what, find) => {
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      const found = await find();
      if (found) return found;
      if (performance.now() > deadline)
        throw new Error(`${what} did not come within ${DEADLINE_MS} ms; see ${logFile}`);
      await delay(POLL_MS);
    }
  };

  /** Does something; when it was done, and when the next step of a later generation was committed. */
  const nextStepAfter = async (act) => {
    const { generation } = (await commits()).at(-1);
    const atMs = Date.now();
    act();
    const commit = await until('the next step', async () =>
      (await commits()).find((record) => record.generation > generation && Date.parse(record.at) >= atMs),
    );
    return { atMs, recoveryMs: Date.parse(commit.at) - atMs };
  };

  return {
    waitForSteps: (steps) => until(`step ${steps}`, async () => (await commits()).length >= steps),
    /** Until everybody trains and has done some steps together. */
    waitForFullWorld: (steps) =>
      until('a full world', async () => {
        const formed = (await log()).findLast(({ msg }) => msg === 'forming a generation');
        if (formed?.worldSize !== workers) return false;
        return (await commits()).filter(({ generation }) => generation === formed.generation).length >= steps;
      }),
    /** Sends a signal to a worker and replaces it; how long until it was noticed, and until the next step. */
    async harm(signal) {
      const victim = [...living][Math.floor(Math.random() * living.size)];
      living.delete(victim);
      const { atMs, recoveryMs } = await nextStepAfter(() => victim.kill(signal));
      const noticed = (await log()).find(({ msg, time }) => NOTICED.has(msg) && time >= atMs);
      if (signal !== 'SIGKILL') victim.kill('SIGKILL');
      startWorker();
      return { detectionMs: noticed.time - atMs, recoveryMs };
    },
    /**
     * Starts a standby and sends a signal to the leader; how long until the next step. SIGKILL is noticed on the same machine;
     * SIGSTOP is like a machine that is gone, where only the lease tells.
     */
    async failOver(signal, calmSteps) {
      const standby = startCoordinator('--run', RUN, '--standby', '--port', '0', '--http-port', '0');
      await until('a standby', async () =>
        (await log()).some(({ pid, msg }) => pid === standby.pid && msg === 'another coordinator leads the run'),
      );
      await this.waitForFullWorld(calmSteps);
      const { recoveryMs } = await nextStepAfter(() => leader.kill(signal));
      leader.kill('SIGKILL');
      leader = standby;
      return { recoveryMs };
    },
    /** What a step takes while nothing happens, and what of it is neither data nor arithmetic nor exchange. */
    async readSteady(everySteps) {
      const times = (await commits()).map(({ at, step }) => ({ step, atMs: Date.parse(at) }));
      const gaps = times.slice(1).map(({ step, atMs }, index) => ({ step, ms: atMs - times[index].atMs }));
      const calm = gaps.filter(({ step }) => step % everySteps > 2);
      const near = gaps.filter(({ step }) => step % everySteps <= 2 && step > 2);
      const stepMs = mean(calm);
      const texts = (await scrapeRun(runFolder))
        .filter(({ role }) => role === 'worker')
        .map(({ text }) => parseMetrics(text));
      return {
        stepMs,
        otherShare: median(texts.map(otherShare)),
        checkpointStall: (3 * (mean(near) - stepMs)) / (everySteps * stepMs),
      };
    },
    async close() {
      const exits = [...children].map((child) => new Promise((resolve) => child.once('exit', resolve)));
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(exits);
      nats.process.kill();
      await nats.process.ended;
    },
  };
}

function mean(gaps) {
  return gaps.reduce((sum, { ms }) => sum + ms, 0) / gaps.length;
}

function otherShare(metrics) {
  const total = metrics['facet_worker_step_duration_seconds_sum'];
  const parts = Object.entries(metrics).filter(([name]) =>
    name.startsWith('facet_worker_step_part_duration_seconds_sum'),
  );
  return 1 - parts.reduce((sum, [, value]) => sum + value, 0) / total;
}

/** The whole lines of a file of JSON lines. */
async function readLines(file) {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line));
}
