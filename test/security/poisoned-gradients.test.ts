/**
 * A worker with the right token and the right version that multiplies its gradients by -20: nothing in the protocol is wrong,
 * so the run goes on; but it is named. Its training loop is changed while it is loaded, as somebody would who wants to do harm.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  committedSteps,
  openWorkspace,
  parseJson,
  tokenOf,
  until,
  whereabouts,
  type Workspace,
} from '../testkit/facet.js';
import { CLEAN, up } from '../testkit/small-run.js';
import { startBroker, type TestBroker } from '../../packages/coordinator/test/broker.js';

const LINE = '    await slot.run();\n';
const POISON = `${LINE}    slot.sum.gradient.forEach((value, at, all) => { all[at] = -20 * value; });\n`;
const HOOKS = `
  export async function load(url, context, next) {
    const loaded = await next(url, context);
    if (!url.endsWith('/train/generation-loop.js')) return loaded;
    const source = loaded.source.toString();
    const changed = source.replace(${JSON.stringify(LINE)}, ${JSON.stringify(POISON)});
    if (changed === source) throw new Error('the line to change is not there');
    return { ...loaded, source: changed };
  }
`;

let broker: TestBroker;
let workspace: Workspace;

beforeAll(async () => {
  broker = await startBroker();
  workspace = await openWorkspace();
});

afterAll(async () => {
  await workspace[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

async function poisonedEnvironment(): Promise<Record<string, string>> {
  const [hooks, preload] = ['hooks.mjs', 'preload.mjs'].map((name) => path.join(workspace.folder, name)) as [
    string,
    string,
  ];
  await writeFile(hooks, HOOKS);
  await writeFile(
    preload,
    `import { register } from 'node:module';\nregister(${JSON.stringify(pathToFileURL(hooks).href)});\n`,
  );
  return { NODE_OPTIONS: `--import ${pathToFileURL(preload).href}` };
}

it('a worker that poisons its gradients is named within a few steps', { timeout: 180_000 }, async () => {
  const run = 'poisoned';
  const folder = path.join(workspace.runs, run);
  const coordinator = workspace.start(['coordinator', ...up(run, 2).slice(1), '--nats', broker.url]);
  const { address, httpUrl } = await whereabouts(workspace, run, coordinator);
  const joins = ['worker', '--coordinator', address, '--json'];
  const token = tokenOf(workspace, run);
  const honest = workspace.start(joins, token);
  const poisoner = workspace.start(joins, { ...token, ...(await poisonedEnvironment()) });
  await until('some steps are committed', async () => (await committedSteps(folder)) >= 6);
  const status = (await (await fetch(`${httpUrl}/status`)).json()) as {
    outliers: string;
    workers: { workerId: string; pid: number; outlier: string }[];
  };
  const metrics = await (await fetch(`${httpUrl}/metrics`)).text();
  const named = status.workers.filter(({ outlier }) => outlier !== '');
  expect(named.map(({ pid }) => pid)).toEqual([poisoner.child.pid]);
  const [{ workerId, outlier } = { workerId: '', outlier: '' }] = named;
  expect(outlier).toMatch(/: its gradient is \d+(\.\d)? times the others' .*4 of the last \d+ steps/);
  expect(outlier.startsWith(`worker ${workerId}: `)).toBe(true);
  expect(status.outliers).toContain(outlier);
  expect(metrics).toMatch(/^facet_coordinator_outlying_members_total 1$/m);
  const { code, stderr, stdout } = await coordinator.done;
  expect(code, stderr).toBe(0);
  expect(parseJson({ code, stderr, stdout })).toMatchObject({ ledger: CLEAN, faults: 0 });
  expect(stderr.split(`worker ${workerId}: its gradient is`)).toHaveLength(2);
  await Promise.all([honest.done, poisoner.done]);
});
