/** An operator's orders to a run of real processes: a checkpoint now, a worker that leaves, the end with a checkpoint. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { committedSteps, openWorkspace, parseJson, processesWith, until, type Workspace } from '../testkit/facet.js';
import { up } from '../testkit/small-run.js';

/** Far longer than the test, without a checkpoint that is due. */
const LONG = ['--epochs', '500', '--set', 'checkpoint.everySteps=100000'];
let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
});

afterAll(async () => {
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

it('takes a checkpoint, lets a worker go, and ends the run', { timeout: 240_000 }, async () => {
  const running = workspace.start(up('ordered', 3, ...LONG));
  const folder = path.join(workspace.runs, 'ordered');
  await until('4 steps are committed', async () => (await committedSteps(folder)) >= 4);

  const wrong = await workspace.run(['stop', 'ordered'], {
    FACET_OPERATOR_TOKEN_FILE: path.join(folder, 'run.token'),
  });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(/TOKEN_INVALID.*ordered.*has another operator token; copy operator\.token/s);

  const taken = parseJson(await workspace.run(['checkpoint', 'ordered', '--json'])) as unknown as { step: number };
  const names = await readdir(path.join(folder, 'checkpoints'));
  expect(names.map((name) => Number(/\d+/.exec(name)?.[0]))).toContain(taken.step);

  const { workers } = parseJson(await workspace.run(['status', '--json'])) as unknown as {
    workers: readonly { readonly workerId: string }[];
  };
  const drained = await workspace.run(['drain', workers[0]!.workerId, '--run', 'ordered', '--reason', 'its disk']);
  expect(drained.code, drained.stderr).toBe(0);
  const ledger = (): Promise<string> => readFile(path.join(folder, 'ledger.jsonl'), 'utf8');
  await until('the worker has left', async () => (await ledger()).includes('"kind":"leave"'));

  const stopped = await workspace.run(['stop', '--json']);
  expect(parseJson(stopped)).toMatchObject({ order: 'stop', message: 'the run ends with a checkpoint' });
  const end = await running.done;
  expect(end.code, end.stderr).toBe(130);
  expect(parseJson(end)).toMatchObject({ faults: 0 });
  const logs = await readdir(path.join(folder, 'logs'));
  // Nobody was started in the place of the one that left.
  expect(logs.filter((name) => name.startsWith('worker-'))).toHaveLength(3);
  expect((await ledger()).match(/"kind":"fault"/g)).toBeNull();

  const late = await workspace.run(['stop', 'ordered']);
  expect(late.code).not.toBe(0);
  expect(late.stderr).toMatch(/COORDINATOR_UNREACHABLE.*does not run on this machine now.*--coordinator/s);
});
