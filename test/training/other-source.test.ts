/** A worker whose task is another one than the coordinator's: it says so, with exit code 2, and trains nothing. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../../packages/coordinator/test/broker.js';
import { committedSteps, openWorkspace, tokenOf, whereabouts, type Workspace } from '../testkit/facet.js';
import { ON_CPU, writeTask } from '../testkit/own-task.js';

const SOURCE = (scale: number): string => `
import { defineTask, own, tf, weights } from 'facet-train';
export default defineTask({
  name: 'mine',
  dataset: () => own({
    fields: { x: { type: 'float32', shape: [2] }, label: { type: 'int32', shape: [] } },
    classes: ['a', 'b'],
    length: () => 32,
    digest: '0'.repeat(64),
    read: (_, ids) => ({ x: new Float32Array(2 * ids.length).fill(1), label: Int32Array.from(ids, (id) => id % 2) }),
  }),
  training: { epochs: 1, batch: { micro: 8, global: 16 } },
  model: () => ({
    parameters: { kernel: weights([2, 2]) },
    predict: (parameters, { x }) => tf.matMul(x, parameters.get('kernel')).mul(${scale}),
  }),
});
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

it('is refused before the first step', { timeout: 120_000 }, async () => {
  const task = await writeTask(path.join(workspace.folder, 'mine'), 'task.mjs', SOURCE(1));
  const ports = ['--set', 'coordinator.port=0', '--set', 'coordinator.httpPort=0'];
  const run = ['--run', 'mine', '--workers', '1', '--nats', broker.url, ...ports];
  const coordinator = workspace.start(['coordinator', '--task', task, ...run]);
  const { address } = await whereabouts(workspace, 'mine', coordinator);
  const other = await writeTask(path.join(workspace.folder, 'other'), 'task.mjs', SOURCE(2));
  const token = tokenOf(workspace, 'mine');
  const worker = await workspace.run(['worker', '--coordinator', address, ...ON_CPU, '--task', other], token);
  expect(worker.code, worker.stderr).toBe(2);
  expect(worker.stdout).toBe('');
  const messages = worker.stderr.split('\n').filter((line) => line.startsWith('error'));
  expect(messages, worker.stderr).toHaveLength(1);
  expect(messages[0]).toMatch(
    /^error \[VERSION_MISMATCH\]: .*the task .*other\/task\.mjs has source [0-9a-f]{64}, but the run was started with [0-9a-f]{64}; give this worker the same files, with --task where they lie elsewhere$/,
  );
  expect(await committedSteps(path.join(workspace.runs, 'mine'))).toBe(0);

  // The coordinator still waits for a worker that has the run's own.
  await writeFile(other, SOURCE(1));
  const right = workspace.start(['worker', '--coordinator', address, ...ON_CPU, '--task', other], token);
  expect((await coordinator.done).code).toBe(0);
  expect((await right.done).code).toBe(0);
  expect(await committedSteps(path.join(workspace.runs, 'mine'))).toBe(2);
});
