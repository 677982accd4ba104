/** The guard with a real nats-server: whatever happens to the process that started it, the broker is gone soon after. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, type TestContext } from 'vitest';
import { findBroker } from '../broker/find-broker.js';

const DIST = new URL('../../dist/launch/broker-process.js', import.meta.url);
const POLL = { timeout: 15_000, interval: 50 };

let folder = '';
const parents: ChildProcess[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-guard-'));
});

afterEach(async () => {
  for (const parent of parents.splice(0)) parent.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

interface Started {
  readonly parent: ChildProcess;
  readonly port: number;
  readonly brokerPid: number;
  readonly guardPid: number;
  readonly store: string;
}

/** A process that starts a broker as `facet up` does, and then does nothing. */
async function startParent(context: TestContext): Promise<Started> {
  const search = await findBroker();
  if (!search.ok) return context.skip('there is no nats-server on this machine');
  const store = path.join(folder, 'store');
  const options = { binary: search.broker.path, folder: store, logFile: path.join(folder, 'log') };
  const script = `
    const { startBroker } = await import(${JSON.stringify(DIST.href)});
    const { url, process: child } = await startBroker({ ...${JSON.stringify(options)}, env: process.env }, () => {});
    console.log(JSON.stringify({ url, guardPid: child.pid }));
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  parents.push(parent);
  const line = await new Promise<string>((resolve, reject) => {
    parent.stdout.once('data', (bytes: Buffer) => {
      resolve(bytes.toString());
    });
    parent.once('exit', () => {
      reject(new Error('the parent ended before the broker was ready'));
    });
  });
  const { url, guardPid } = JSON.parse(line) as { url: string; guardPid: number };
  const portsFile = (await readdir(path.join(store, 'broker'))).find((name) => name.endsWith('.ports'));
  const brokerPid = Number(/_(\d+)\.ports$/.exec(portsFile!)![1]);
  return { parent, port: Number(new URL(url).port), brokerPid, guardPid, store };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const finish = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once('connect', () => {
      finish(true);
    });
    socket.once('error', () => {
      finish(false);
    });
  });
}

async function expectAllGone({ brokerPid, guardPid, port, store }: Started): Promise<void> {
  await expect.poll(() => isAlive(brokerPid), POLL).toBe(false);
  await expect.poll(() => isAlive(guardPid), POLL).toBe(false);
  expect(await answers(port)).toBe(false);
  await expect.poll(() => existsSync(store), POLL).toBe(false);
}

test('kill -9 of the parent takes the broker, its port and its folder with it', async (context) => {
  const started = await startParent(context);
  expect(await answers(started.port)).toBe(true);
  started.parent.kill('SIGKILL');
  await expectAllGone(started);
});

test('a broker that does not react is killed', async (context) => {
  const started = await startParent(context);
  process.kill(started.brokerPid, 'SIGSTOP');
  started.parent.kill('SIGKILL');
  await expectAllGone(started);
});

test('a broker that is killed takes its guard with it', async (context) => {
  const started = await startParent(context);
  process.kill(started.brokerPid, 'SIGKILL');
  await expectAllGone(started);
});

test('a guard that is told to end ends its broker first', async (context) => {
  const started = await startParent(context);
  process.kill(started.guardPid, 'SIGTERM');
  await expectAllGone(started);
});

test('a guard that is killed leaves no broker behind when the parent ends', async (context) => {
  const started = await startParent(context);
  // The parent may close the pipe when it sees that, and the broker ends even before it.
  process.kill(started.guardPid, 'SIGKILL');
  started.parent.kill('SIGKILL');
  await expect.poll(() => isAlive(started.brokerPid), POLL).toBe(false);
});
