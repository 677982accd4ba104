/** A launch that is killed, as processes: what is left behind and what goes on. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { committedSteps, openWorkspace, parseJson, processesWith, until, type Workspace } from '../testkit/facet.js';
import { CLEAN, up } from '../testkit/small-run.js';

/** A coordinator without parent closes in 5 s, as it asks a broker that is gone, and has 10 s for it. */
const LOCK_GONE_MS = 12_000;

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
});

afterAll(async () => {
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

it(
  'a launch that is killed leaves no process and no lock, and its run can be resumed',
  { timeout: 180_000 },
  async () => {
    const running = workspace.start(up('orphaned', 2));
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
