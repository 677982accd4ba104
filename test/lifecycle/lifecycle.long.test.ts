/**
 * Coordinator and workers as a scheduler runs them: told to end at any moment and in any order, and started again by the same
 * command. No committed step is lost, the bits are those of an undisturbed run, and the exit codes say what to do.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../../packages/coordinator/test/broker.js';
import {
  committedSteps,
  MNIST_ON_CPU,
  openWorkspace,
  parseJson,
  tokenOf,
  until,
  whereabouts,
  type RunningCommand,
  type Workspace,
} from '../testkit/facet.js';

const RUN = 'scheduled';
const SETTINGS = [
  'samples.train=1000',
  'samples.test=100',
  'batch.global=64',
  'batch.micro=16',
  'engine.threads=1',
  // No checkpoint is due: those that there are were taken because somebody left.
  'checkpoint.everySteps=100000',
  // Tests share their machine: nobody is given up because it was slow for a moment.
  'timeouts.heartbeatMs=4000',
  'timeouts.gatherMs=300000',
].flatMap((setting) => ['--set', setting]);
const TRAINING = [...MNIST_ON_CPU, '--epochs', '3', ...SETTINGS];
const START_MS = 240_000;

let broker: TestBroker;
let workspace: Workspace;
let calmSha256 = '';

beforeAll(async () => {
  await using calm = await openWorkspace();
  const up = ['up', ...TRAINING, '--workers', '1', '--run', 'calm', '--json'];
  calmSha256 = parseJson(await calm.run(up)).weightsSha256;
}, START_MS);

beforeEach(async () => {
  broker = await startBroker();
  workspace = await openWorkspace();
});

afterEach(async () => {
  await workspace[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

/** The same command every time: whether the run has begun is for it to find out. */
function coordinate(...more: string[]): RunningCommand {
  const command = ['coordinator', '--nats', broker.url, '--workers', '2', '--resume-or-start', '--json', ...TRAINING];
  return workspace.start([...command, ...more], { FACET_RUN: RUN });
}

async function work(coordinator: RunningCommand): Promise<readonly RunningCommand[]> {
  const { address } = await whereabouts(workspace, RUN, coordinator);
  const worker = ['worker', '--coordinator', address, '--json'];
  return [1, 2].map(() => workspace.start(worker, tokenOf(workspace, RUN)));
}

const folder = (): string => path.join(workspace.runs, RUN);

async function reach(steps: number): Promise<void> {
  await until(`${steps} steps are committed`, async () => (await committedSteps(folder())) >= steps, START_MS);
}

async function newestCheckpoint(): Promise<number> {
  const names = await readdir(path.join(folder(), 'checkpoints')).catch(() => []);
  return Math.max(0, ...names.map((name) => Number(/\d+/.exec(name)?.[0])));
}

const ledger = (): Promise<string> => readFile(path.join(folder(), 'ledger.jsonl'), 'utf8');

async function expectFinished(coordinator: RunningCommand): Promise<void> {
  const end = await coordinator.done;
  expect(end.code, end.stderr).toBe(0);
  expect(parseJson(end)).toMatchObject({ outcome: 'finished', weightsSha256: calmSha256, faults: 0 });
  expect(parseJson(end).ledger).toMatchObject({ clean: true, expected: 3_000, committed: 3_000 });
  // Nobody computed a committed step again.
  expect(await ledger()).not.toContain('"kind":"replay"');
}

describe('a coordinator that gets SIGTERM', () => {
  it('hands the run over: its workers wait for the next one, which goes on', { timeout: 600_000 }, async () => {
    const first = coordinate();
    const workers = await work(first);
    await reach(4);
    first.child.kill('SIGUSR1');
    await until('a checkpoint stands', async () => (await newestCheckpoint()) > 0);
    first.child.kill('SIGTERM');
    const handedOver = await first.done;
    expect(handedOver.code, handedOver.stderr).toBe(75);
    expect(parseJson(handedOver)).toMatchObject({ outcome: 'handed-over' });
    expect(handedOver.stderr).toContain('"reason":"SIGUSR1"');
    expect(handedOver.stderr).not.toContain('an operator gave an order');
    expect(await newestCheckpoint()).toBe(await committedSteps(folder()));
    for (const { child } of workers) expect(child.exitCode).toBeNull();
    await expectFinished(coordinate());
    for (const worker of workers) {
      const { code, stderr } = await worker.done;
      expect(code, stderr).toBe(0);
    }
  });

  it('hands the run over to a standby, which the same command has started', { timeout: 600_000 }, async () => {
    const first = coordinate('--standby');
    await whereabouts(workspace, RUN, first);
    const second = coordinate('--standby');
    let said = '';
    second.child.stderr?.on('data', (text: string) => (said += text));
    await until('the second stands by', () => said.includes('another coordinator leads the run'), START_MS);
    const workers = await work(first);
    await reach(4);
    first.child.kill('SIGTERM');
    expect((await first.done).code).toBe(75);
    await expectFinished(second);
    for (const { done } of workers) expect((await done).code).toBe(0);
  });

  it.each(['workers first', 'coordinator first'])(
    'together with its workers: no committed step is lost, %s',
    { timeout: 600_000 },
    async (order) => {
      const first = coordinate();
      const workers = await work(first);
      await reach(4);
      const everybody = order === 'workers first' ? [...workers, first] : [first, ...workers];
      for (const { child } of everybody) child.kill('SIGTERM');
      for (const { done } of everybody) {
        const { code, stderr } = await done;
        expect(code, stderr).toBe(75);
      }
      expect(await newestCheckpoint()).toBe(await committedSteps(folder()));
      const second = coordinate();
      await work(second);
      await expectFinished(second);
    },
  );
});

it('a run that a person stopped is not continued by a scheduler', { timeout: 600_000 }, async () => {
  // The order comes from a process that has to start first: the run must not end before.
  const first = coordinate('--epochs', '1000');
  const workers = await work(first);
  await reach(2);
  const order = await workspace.run(['stop', RUN]);
  expect(order.code, order.stderr).toBe(0);
  for (const { done } of [first, ...workers]) expect((await done).code).toBe(130);
  const again = await coordinate().done;
  expect(again.code).toBe(130);
  expect(again.stderr).toContain('stopped by a person');
});
