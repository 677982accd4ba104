/**
 * "On several machines, by hand" of docs/operations.md: broker and coordinator on host 1, workers on hosts 2 and 3, without a
 * word about addresses to the workers. Hosts are network namespaces.
 */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  committedSteps,
  FACET_MAIN,
  MNIST_ON_CPU,
  openWorkspace,
  parseJson,
  until,
  type RunningCommand,
  type TrainingSummary,
  type Workspace,
} from '../testkit/facet.js';
import { openHosts, whyNoHosts, type Hosts } from '../testkit/hosts.js';

const whyNot = await whyNoHosts();
const TEST_MS = 300_000;
/** How long a process may take to start, or the first steps to come, on a busy machine. */
const START_MS = 120_000;
const CLEAN = { expected: 2_400, committed: 2_400, missing: 0, duplicated: 0 };
const SETTINGS = [
  'samples.train=1200',
  'samples.test=100',
  'checkpoint.everySteps=20',
  'batch.global=64',
  'batch.micro=16',
  'engine.threads=1',
  'timeouts.heartbeatMs=4000',
  'timeouts.gatherMs=120000',
].flatMap((setting) => ['--set', setting]);
/** Every machine has it. */
const TOKEN = 'a-token-that-all-of-these-machines-have';
const TRAINING = [...MNIST_ON_CPU, '--epochs', '2', '--workers', '2', ...SETTINGS];

describe.skipIf(whyNot !== undefined)(`several machines${whyNot === undefined ? '' : ` (${whyNot})`}`, () => {
  let hosts: Hosts;
  let workspace: Workspace;
  let here: TrainingSummary;

  beforeAll(async () => {
    workspace = await openWorkspace();
    here = parseJson(await workspace.run(['up', ...TRAINING, '--run', 'here', '--json']));
    hosts = await openHosts(4);
    const store = path.join(workspace.folder, 'broker');
    const args = ['-js', '-sd', store, '-a', hosts.address(1), '-p', '4222'];
    const broker = hosts.start(1, process.env['NATS_SERVER_BIN'] ?? 'nats-server', args);
    let said = '';
    broker.child.stderr?.on('data', (text: string) => (said += text));
    await until('the broker is ready', () => said.includes('Server is ready'), START_MS);
  }, TEST_MS);

  afterAll(async () => {
    await hosts[Symbol.asyncDispose]();
    await workspace[Symbol.asyncDispose]();
  });

  const facet = (host: number, ...args: string[]): RunningCommand =>
    hosts.start(host, process.execPath, [FACET_MAIN, ...args], {
      ...process.env,
      FACET_RUNS: workspace.runs,
      NO_COLOR: '1',
      FACET_LOG_LEVEL: 'info',
      FACET_RUN_TOKEN: TOKEN,
    });

  const coordinator = (run: string): RunningCommand =>
    facet(
      1,
      ...['coordinator', '--nats', `nats://${hosts.address(1)}:4222`, '--run', run, ...TRAINING, '--json'],
      ...['--host', hosts.address(1), '--port', '4300', '--http-port', '4301', '--insecure'],
    );

  const worker = (host: number, ...more: string[]): RunningCommand =>
    facet(host, 'worker', '--coordinator', `${hosts.address(1)}:4300`, '--insecure', ...more);

  const steps = (run: string): Promise<number> => committedSteps(path.join(workspace.runs, run));

  test(
    'end with the weights of one machine',
    async () => {
      const leader = coordinator('apart');
      const workers = [worker(2), worker(3)];
      const result = parseJson(await leader.done);
      expect(result).toMatchObject({ weightsSha256: here.weightsSha256, workers: 2, faults: 0, ledger: CLEAN });
      for (const { done } of workers) {
        const { code, stderr } = await done;
        expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' });
        // They found each other, from address to address.
        expect(stderr).toContain('"ways":{"tcp":1}');
      }
    },
    TEST_MS,
  );

  test(
    'lose one whose cable is pulled, and end with the same weights',
    async () => {
      const leader = coordinator('cut');
      const workers = [worker(2), worker(3)];
      await until('both have done some steps', async () => (await steps('cut')) >= 8, START_MS);
      await hosts.setCable(3, false);
      try {
        const result = parseJson(await leader.done);
        expect(result).toMatchObject({ weightsSha256: here.weightsSha256, ledger: CLEAN });
        expect(result.faults).toBeGreaterThan(0);
        expect((await workers[0]!.done).code).toBe(0);
        // Alone behind its cable it would look for a coordinator for long.
        workers[1]!.child.kill('SIGKILL');
      } finally {
        await hosts.setCable(3, true);
      }
    },
    TEST_MS,
  );

  test(
    'refuse a worker that only its own machine could reach',
    async () => {
      const { code, stderr } = await worker(4, '--listen', '127.0.0.1').done;
      expect({ code, stderr }).toMatchObject({ code: 2 });
      expect(stderr).toContain('127.0.0.1');
      expect(stderr).toContain(hosts.address(1));
    },
    TEST_MS,
  );
});
