/**
 * Processes that are started in any order find each other: worker, coordinator, broker, over IPv6, with one port per worker. Who
 * waits lives and is not ready, and who has waited long enough says so to its scheduler.
 */
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../../packages/coordinator/test/broker.js';
import {
  committedSteps,
  MNIST_ON_CPU,
  openWorkspace,
  parseJson,
  until,
  type RunningCommand,
  type Workspace,
} from '../testkit/facet.js';

const MINUTES = { timeout: 600_000 };
/** How long a process may take to come up on a busy machine. */
const START_MS = 240_000;
const TOKEN = { FACET_RUN_TOKEN: 'a-token-that-all-of-these-processes-have', FACET_LOG_LEVEL: 'info' };
const HOST = '::1';

/** A free port of a host; undefined where there is no such host. */
function freePort(host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen(0, host, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

const hasIpv6 = (await freePort(HOST)) !== undefined;
const why = hasIpv6 ? '' : ' (no IPv6 on this machine)';

/** What a path of a port says: `200 ok`, or why there is no answer. */
async function ask(port: number, page: string, host = `[${HOST}]`): Promise<string> {
  try {
    const answer = await fetch(`http://${host}:${port}${page}`, { signal: AbortSignal.timeout(5_000) });
    return `${answer.status} ${(await answer.text()).trim()}`;
  } catch (caught) {
    return String(caught);
  }
}

/** Follows what a process says from now on. */
function listenTo({ child }: RunningCommand): () => string {
  let said = '';
  child.stderr?.on('data', (text: string) => (said += text));
  return () => said;
}

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
});

afterAll(() => workspace[Symbol.asyncDispose]());

describe.skipIf(!hasIpv6)(`over IPv6${why}`, () => {
  it('a worker waits for its coordinator, which waits for its broker', MINUTES, async () => {
    const ports = await Promise.all([0, 1, 2, 3].map(() => freePort(HOST)));
    const [brokerPort, port, httpPort, workerPort] = ports as [number, number, number, number];
    const settings = [
      'timeouts.heartbeatMs=6000',
      'samples.train=2400',
      'samples.test=200',
      'batch.global=64',
      'batch.micro=16',
    ];
    const worker = workspace.start(['worker', '--coordinator', `[${HOST}]:${port}`, '--port', `${workerPort}`], TOKEN);
    const leader = workspace.start(
      [
        ...['coordinator', ...MNIST_ON_CPU, '--epochs', '2', '--workers', '1', '--run', 'order', '--json'],
        ...['--host', HOST, '--port', `${port}`, '--http-port', `${httpPort}`],
        ...['--nats', `nats://[${HOST}]:${brokerPort}`, '--set', 'exchange.transport=tcp'],
        ...settings.flatMap((setting) => ['--set', setting]),
      ],
      TOKEN,
    );
    const said = listenTo(leader);
    await until(
      'the coordinator says that it waits',
      () => said().includes('the broker does not answer yet'),
      START_MS,
    );
    expect(await ask(httpPort, '/healthz')).toBe('200 ok');
    expect(await ask(httpPort, '/readyz')).toMatch(/^503 the coordinator opens its data and waits for its broker$/);
    await until('the worker listens', async () => (await ask(workerPort, '/healthz')) === '200 ok', START_MS);
    expect(await ask(workerPort, '/readyz')).toMatch(/^503 the worker has not been welcomed/);

    const broker: TestBroker = await startBroker({ host: HOST, port: brokerPort });
    try {
      await until('the worker is ready', async () => (await ask(workerPort, '/readyz')) === '200 ready', START_MS);
      await until('the coordinator is ready', async () => (await ask(httpPort, '/readyz')) === '200 ready', START_MS);
      expect(await ask(workerPort, '/metrics')).toContain('facet_worker_steps_total');
      const listed = JSON.parse((await ask(httpPort, '/sd')).slice(4)) as { targets: string[] }[];
      expect(listed.map(({ targets }) => targets)).toEqual([[`[${HOST}]:${httpPort}`], [`[${HOST}]:${workerPort}`]]);
      const status = await workspace.run(['status', '--coordinator', `[${HOST}]:${port}`]);
      expect(status, status.stderr).toMatchObject({ code: 0 });
      const result = await leader.done;
      expect(result.code, result.stderr).toBe(0);
      expect(parseJson(result)).toMatchObject({ ledger: { committed: 4_800, missing: 0, duplicated: 0 } });
      expect(said().split('the broker does not answer yet')).toHaveLength(2);
      expect((await worker.done).code).toBe(0);
      expect(await committedSteps(path.join(workspace.runs, 'order'))).toBe(76);
    } finally {
      await broker[Symbol.asyncDispose]();
    }
  });
});

describe('a coordinator without a broker', () => {
  const start = (run: string, url: string, gatherMs: number): RunningCommand =>
    workspace.start(
      [
        ...['coordinator', ...MNIST_ON_CPU, '--run', run, '--nats', url, '--json'],
        ...['--set', `timeouts.gatherMs=${gatherMs}`],
      ],
      TOKEN,
    );

  it.each([
    ['that does not answer', 'nats://127.0.0.1:1'],
    ['whose name is not known yet', 'nats://broker.invalid:4222'],
  ])('%s asks its scheduler to start it again', MINUTES, async (_what, url) => {
    const { code, stdout, stderr } = await start('alone', url, 1_000).done;
    expect(code, stderr).toBe(75);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'BROKER_UNREACHABLE', message: expect.stringMatching(/gave up after \d+ ms/) },
    });
  });

  it('stops waiting when it is told to end', MINUTES, async () => {
    const waiting = start('told', 'nats://127.0.0.1:1', 120_000);
    const said = listenTo(waiting);
    await until('it waits', () => said().includes('the broker does not answer yet'), START_MS);
    waiting.child.kill('SIGTERM');
    expect((await waiting.done).code).toBe(75);
  });
});
