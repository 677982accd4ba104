/** A launch that loses a worker, or is killed itself, as processes: what is left behind and what goes on. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  committedSteps,
  MNIST_ON_CPU,
  openWorkspace,
  parseJson,
  processesWith,
  until,
  type Workspace,
} from '../testkit/facet.js';

const SETTINGS = ['samples.train=2900', 'samples.test=300', 'checkpoint.everySteps=5', 'batch.global=128'];
const CLEAN = { expected: 5800, committed: 5800, missing: 0, duplicated: 0 };
/** A coordinator without parent closes in 5 s, as it asks a broker that is gone, and has 10 s for it. */
const LOCK_GONE_MS = 12_000;

let workspace: Workspace;

const up = (run: string, ...more: string[]): string[] => {
  const settings = SETTINGS.flatMap((setting) => ['--set', setting]);
  return ['up', ...MNIST_ON_CPU, '--epochs', '2', ...settings, '--run', run, '--json', ...more];
};

beforeAll(async () => {
  workspace = await openWorkspace();
});

afterAll(async () => {
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

/** The process id that a worker's log names first. */
async function pidOf(folder: string, worker: string): Promise<number> {
  const log = await readFile(path.join(folder, 'logs', `${worker}.log`), 'utf8');
  return Number(/"pid":(\d+)/.exec(log)![1]);
}

it(
  'a worker that is killed is replaced; the run ends with the same bits and an exact ledger',
  { timeout: 180_000 },
  async () => {
    const calm = parseJson(await workspace.run(up('calm', '--workers', '2')));
    expect(calm).toMatchObject({ ledger: CLEAN, faults: 0 });

    const running = workspace.start(up('replaced', '--workers', '2', '--max-restarts', '1'));
    const folder = path.join(workspace.runs, 'replaced');
    await until('3 steps are committed', async () => (await committedSteps(folder)) >= 3);
    process.kill(await pidOf(folder, 'worker-0'), 'SIGKILL');
    const result = await running.done;
    expect(result.code, result.stderr).toBe(0);
    expect(parseJson(result)).toMatchObject({ weightsSha256: calm.weightsSha256, ledger: CLEAN, faults: 1 });
    expect(result.stderr).toMatch(/worker-0 \(pid \d+\) died.*SIGKILL/);
    expect(existsSync(path.join(folder, 'logs', 'worker-2.log')), 'a third worker was started').toBe(true);
    expect((await workspace.run(['ledger', 'check', 'replaced'])).code).toBe(0);
  },
);

it(
  'a launch that is killed leaves no process and no lock, and its run can be resumed',
  { timeout: 180_000 },
  async () => {
    const running = workspace.start(up('orphaned', '--workers', '2'));
    const folder = path.join(workspace.runs, 'orphaned');
    const lock = path.join(folder, 'lock');
    await until('6 steps are committed', async () => (await committedSteps(folder)) >= 6);
    expect(existsSync(lock)).toBe(true);
    running.child.kill('SIGKILL');
    await running.done;
    await until('the lock is gone', () => !existsSync(lock), LOCK_GONE_MS);
    await until('no process is left', async () => (await processesWith(folder)).length === 0, LOCK_GONE_MS);
    expect(parseJson(await workspace.run(['resume', 'orphaned', '--json']))).toMatchObject({ ledger: CLEAN });
  },
);
