/**
 * `facet broker config --run NAME`: a real nats-server that is started from what it prints. A run trains with its users, and the
 * worker's login can do nothing but what a worker does.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator, nkeyAuthenticator, type NatsConnection } from '@nats-io/transport-node';
import { brokerCredentialsOf, brokerTls, TlsIdentity, type BrokerAccess } from '@facet/security';
import { connectBroker, inboxOf, LEASE_STREAM, leaseSubject, shardStreamName, shardSubject } from '@facet/shared';
import { findBroker } from 'facet-train/internal';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  MNIST_ON_CPU,
  openWorkspace,
  parseJson,
  tokenOf,
  until,
  whereabouts,
  type Workspace,
} from '../testkit/facet.js';

const RUN = 'guarded';
const SETTINGS = ['samples.train=640', 'samples.test=64', 'batch.global=64', 'checkpoint.everySteps=4'];
const TRAINING = [...MNIST_ON_CPU, '--epochs', '1', ...SETTINGS.flatMap((setting) => ['--set', setting])];
const client = { connect, credsAuthenticator, nkeyAuthenticator };
const TIMEOUT = { timeout: 1_000 };
const MINUTES = { timeout: 180_000 };

let workspace: Workspace;
let server: ChildProcess | undefined;
let port: number;
let output: string;

beforeEach(async () => {
  workspace = await openWorkspace();
  port = await freePort();
});

afterEach(async () => {
  const running = server;
  server = undefined;
  if (running?.exitCode === null) {
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await gone;
  }
  await workspace[Symbol.asyncDispose]();
});

async function freePort(): Promise<number> {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const found = (holder.address() as AddressInfo).port;
  await new Promise((resolve) => holder.close(resolve));
  return found;
}

async function facet(...args: string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const result = await workspace.run(args);
  expect(result.code, result.stderr).toBe(0);
  return result;
}

/** Starts nats-server from what the command prints. */
async function serve(...flags: string[]): Promise<{ readonly config: string; readonly stderr: string }> {
  const place = ['--listen', '127.0.0.1', '--port', String(port), '--store', path.join(workspace.folder, 'js')];
  const { stdout, stderr } = await facet('broker', 'config', '--run', RUN, ...place, ...flags);
  const file = path.join(workspace.folder, 'nats.conf');
  await writeFile(file, stdout);
  const found = await findBroker({ env: process.env });
  if (!found.ok) throw new Error('no nats-server was found; npm test installs one');
  output = '';
  server = spawn(found.broker.path, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  server.stderr?.on('data', (text: string) => (output += text));
  await until('the broker is ready', () => {
    if (server?.exitCode !== null) throw new Error(`nats-server ended: ${output}`);
    return output.includes('Server is ready');
  });
  return { config: stdout, stderr };
}

/** A run with a worker, each with its own key or certificate; the run lives in the broker too. */
async function train(
  coordinatorFlags: readonly string[],
  workerFlags: readonly string[],
  envOf: (role: string) => Record<string, string>,
): Promise<void> {
  const url = `nats://127.0.0.1:${port}`;
  const leader = workspace.start(
    [
      'coordinator',
      '--run',
      RUN,
      '--nats',
      url,
      '--store',
      url,
      '--workers',
      '1',
      ...TRAINING,
      ...coordinatorFlags,
      '--json',
    ],
    envOf('coordinator'),
  );
  const { address } = await whereabouts(workspace, RUN, leader);
  const worker = workspace.start(['worker', '--coordinator', address, ...workerFlags, '--json'], {
    ...tokenOf(workspace, RUN),
    ...envOf('worker'),
  });
  expect(parseJson(await leader.done)).toMatchObject({ outcome: 'finished', ledger: { missing: 0, duplicated: 0 } });
  expect(parseJson(await worker.done)).toMatchObject({ outcome: 'finished' });
}

/** What the login of a worker may not do, while the run of a coordinator is in the broker. */
async function expectNothingElse(
  access: Omit<BrokerAccess, 'url'>,
  coordinator: Omit<BrokerAccess, 'url'>,
): Promise<void> {
  const url = `nats://127.0.0.1:${port}`;
  const open = (role: 'worker' | 'coordinator', by: Omit<BrokerAccess, 'url'>): Promise<NatsConnection> =>
    connectBroker(url, {
      client,
      name: 'test',
      advice: '',
      inbox: inboxOf(role, RUN),
      credentials: by.credentials,
      ...brokerTls({ url, ...by }),
    });
  const leader = await open('coordinator', coordinator);
  const worker = await open('worker', access);
  try {
    const { streams } = await jetstreamManager(leader);
    const stream = shardStreamName(RUN);
    await streams.add({ name: stream, subjects: [`facet.${RUN}.shard.>`], storage: 'memory' });
    const manager = await jetstreamManager(worker, { ...TIMEOUT, checkAPI: false });
    await expect(jetstream(worker).publish(shardSubject(RUN, 1, 0), 'forged', TIMEOUT)).rejects.toThrow();
    await expect(jetstream(worker).publish(leaseSubject(RUN), 'forged', TIMEOUT)).rejects.toThrow();
    await expect(manager.streams.delete(stream)).rejects.toThrow();
    await expect(manager.streams.purge(stream)).rejects.toThrow();
    await expect(manager.streams.info(shardStreamName('another'))).rejects.toThrow();
    await expect(manager.streams.info(`facet-objects-${RUN}`)).rejects.toThrow();
    await expect(manager.streams.getMessage(`facet-objects-${RUN}`, { seq: 1 })).rejects.toThrow();
    expect((await manager.streams.info(stream)).state.messages).toBe(0);
    expect(await manager.streams.getMessage(LEASE_STREAM, { last_by_subj: leaseSubject(RUN) })).not.toBeNull();
  } finally {
    await worker.close();
    await leader.close();
  }
}

it('lets a run train with keys, whose seeds only their owner reads', MINUTES, async () => {
  const keys = path.join(workspace.folder, 'keys');
  const { config, stderr } = await serve('--keys', keys);
  const fileOf = (role: string): string => path.join(keys, `${RUN}-${role}.nk`);
  for (const role of ['coordinator', 'worker']) {
    expect((await stat(fileOf(role))).mode & 0o777).toBe(0o600);
    expect(config).not.toContain((await readFile(fileOf(role), 'utf8')).trim());
    expect(stderr).toContain(`FACET_NATS_NKEY_FILE=${fileOf(role)}`);
  }
  await train([], [], (role) => ({ FACET_NATS_NKEY_FILE: fileOf(role) }));
  const access = (role: string) => ({ credentials: brokerCredentialsOf({ FACET_NATS_NKEY_FILE: fileOf(role) }) });
  await expectNothingElse(access('worker'), access('coordinator'));
  await expect(connect({ servers: `127.0.0.1:${port}`, reconnect: false })).rejects.toThrow(/authoriz/i);
  // Printed again, it has the same users.
  const place = ['--listen', '127.0.0.1', '--port', String(port), '--store', path.join(workspace.folder, 'js')];
  expect((await facet('broker', 'config', '--run', RUN, ...place, '--keys', keys)).stdout).toBe(config);
});

it('lets a run train with certificates, and knows everybody by the role in theirs', MINUTES, async () => {
  const at = (name: string): string => path.join(workspace.folder, name);
  await facet('certs', 'init', at('pki'));
  for (const role of ['coordinator', 'worker', 'status']) {
    await facet('certs', 'issue', at('pki'), '--role', role, '--host', '127.0.0.1,localhost', '--out', at(role));
  }
  await serve('--pki', at('pki'), '--host', '127.0.0.1');
  await train(['--tls', at('coordinator')], ['--tls', at('worker')], () => ({}));
  const access = (role: 'worker' | 'coordinator') => ({ tls: new TlsIdentity(at(role), { roles: [role] }) });
  await expectNothingElse(access('worker'), access('coordinator'));
  // A role that is no user of the broker.
  const url = `nats://127.0.0.1:${port}`;
  const tls = new TlsIdentity(at('status'), { roles: ['status'] });
  await expect(
    connectBroker(url, { client, name: 'test', advice: '', ...brokerTls({ url, tls }) }),
  ).rejects.toMatchObject({
    code: 'BROKER_REFUSED',
    message: expect.stringMatching(/lets in no user of our certificate/),
  });
});

it('refuses a run that has no name, and asks for a way to know users', async () => {
  const refused = async (...args: string[]): Promise<string> =>
    (await workspace.run(['broker', 'config', ...args])).stderr;
  expect(await refused('--run', 'a b')).toMatch(/--run: 'a b', expected/);
  expect(await refused()).toMatch(/--pki: missing, expected .* or --run for users without TLS/);
});
