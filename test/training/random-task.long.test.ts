/** A task of one's own that draws random numbers: the same bits for any number of workers, and after a resume. */
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { committedSteps, openWorkspace, parseJson, processesWith, until, type Workspace } from '../testkit/facet.js';
import { ON_CPU, writeTask } from '../testkit/own-task.js';

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
});

afterAll(async () => {
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

describe('a task whose network drops at random', () => {
  const taskOf = (rate: number): string => `
import { defineTask, fromLayers, own, tf } from 'facet-train';
export default defineTask({
  name: 'drops',
  dataset: own({
    fields: { x: { type: 'float32', shape: [6] }, label: { type: 'float32', shape: [1] } },
    length: (split) => (split === 'train' ? 90 : 20),
    digest: 'd'.repeat(64),
    read: (split, ids) => ({
      x: Float32Array.from([...ids].flatMap((id) => Array.from({ length: 6 }, (_, k) => Math.sin(id * 7 + k)))),
      label: Float32Array.from(ids, (id) => Math.sin(id * 7) * Math.sin(id * 7 + 1)),
    }),
  }),
  training: { epochs: 3, batch: { global: 16, micro: 4 } },
  model: fromLayers(() => tf.sequential({ layers: [
    tf.layers.gaussianNoise({ stddev: ${rate}, inputShape: [6] }),
    tf.layers.dense({ units: 16, activation: 'relu' }),
    tf.layers.dropout({ rate: ${rate} }),
    tf.layers.dense({ units: 1 }),
  ] })),
});
`;
  let task: string;
  let weightsSha256: string;
  const train = (run: string, workers: number, file = task): string[] => {
    const flags = ['--task', file, ...ON_CPU, '--set', 'checkpoint.everySteps=3', '--max-restarts', '0'];
    return ['up', ...flags, '--run', run, '--workers', String(workers), '--json'];
  };

  beforeAll(async () => {
    const folder = path.join(workspace.folder, 'drops');
    task = await writeTask(folder, 'task.mjs', taskOf(0.4));
    const alone = parseJson(await workspace.run(train('drops-1', 1)));
    expect(alone).toMatchObject({ ledger: { clean: true } });
    ({ weightsSha256 } = alone);
    // Without drops it is another training.
    const calm = await writeTask(folder, 'calm.mjs', taskOf(0));
    expect(parseJson(await workspace.run(train('calm', 1, calm))).weightsSha256).not.toBe(weightsSha256);
    // An evaluation drops nothing: its figures are the same twice, and those of the run.
    const evaluated = parseJson(await workspace.run(['evaluate', 'drops-1', '--json'])) as unknown as {
      readonly loss: number;
    };
    expect(evaluated.loss).toBeCloseTo((alone['evaluation'] as { readonly loss: number }).loss, 10);
  }, 240_000);

  it.each([2, 3])('ends with the same weights for %i workers', { timeout: 120_000 }, async (workers) => {
    const summary = parseJson(await workspace.run(train(`drops-${workers}`, workers)));
    expect(summary).toMatchObject({ weightsSha256, workers, faults: 0, ledger: { clean: true } });
  });

  it('ends with the same weights after everything is killed and resumed', { timeout: 240_000 }, async () => {
    const running = workspace.start(train('drops-killed', 2));
    const folder = path.join(workspace.runs, 'drops-killed');
    await until('4 steps are committed', async () => (await committedSteps(folder)) >= 4);
    running.child.kill('SIGKILL');
    await running.done;
    await until('nobody is left', async () => (await processesWith(folder)).length === 0, 60_000);
    const resumed = parseJson(await workspace.run(['resume', 'drops-killed', '--workers', '3', '--json']));
    expect(resumed).toMatchObject({ weightsSha256, workers: 3, ledger: { clean: true } });
  });
});
