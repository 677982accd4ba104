/** The task of a run: our model where nothing else is said, a user's module where one is, and always of the same source. */
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { OPERATION_DEFAULTS, type RunConfig, type SampleFields } from '@facet/shared';
import { PRESETS } from '@facet/multiview/config';
import { openTask } from './open-task.js';

const IMAGES: SampleFields = { image: { type: 'uint8', shape: [28, 28, 1] }, label: { type: 'uint8', shape: [] } };
const CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
const CONFIG: RunConfig = { ...PRESETS['mnist-fast'], ...OPERATION_DEFAULTS, preset: 'mnist-fast', run: 'mine' };

const TASK = (width: number): string => `
import { defineTask, tf, weights } from 'facet-train';
export default defineTask({
  name: 'mine',
  model: ({ classes }) => ({
    parameters: { kernel: weights([${width}, classes.length]) },
    predict: (parameters, { x }) => tf.matMul(x, parameters.get('kernel')),
  }),
});
`;

let folder = '';
let module = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-open-task-'));
  const modules = fileURLToPath(new URL('../../../../node_modules', import.meta.url));
  await symlink(modules, path.join(folder, 'node_modules'));
  module = path.join(folder, 'task.mjs');
  await writeFile(module, TASK(3));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const VECTORS: SampleFields = { x: { type: 'float32', shape: [3] }, label: { type: 'int32', shape: [] } };
const own = (sha256?: string): RunConfig => ({
  ...CONFIG,
  task: { module, options: {}, ...(sha256 !== undefined && { sha256 }) },
});

it('is the multi-view model of the configuration where it names no module', async () => {
  const task = await openTask(CONFIG, { fields: IMAGES, classes: CLASSES });
  expect(task.name).toBe('multi-view');
  expect(task.microBatch).toBe(CONFIG.batch.micro);
  expect(task.parameters.length).toBeGreaterThan(10);
});

it('says which samples the multi-view model takes', async () => {
  await expect(openTask(CONFIG, { fields: VECTORS, classes: CLASSES })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringMatching(
      /^the multi-view model takes samples with a field image uint8 \[height, width, channels\], but these have x float32/,
    ) as string,
  });
});

it('is the task of the module that it names, bound to the samples', async () => {
  const task = await openTask(own(), { fields: VECTORS, classes: ['a', 'b'] });
  expect(task).toMatchObject({ name: 'mine', microBatch: CONFIG.batch.micro, metrics: ['correct'] });
  expect(task.parameters).toMatchObject([{ name: 'kernel', shape: [3, 2] }]);
  // Another process makes the same task of this.
  expect(task.reference.argument).toMatchObject({ module, options: {}, classes: ['a', 'b'] });
});

it('is refused where the source is another one than the run was started with', async () => {
  const asked = openTask(own('0'.repeat(64)), { fields: VECTORS, classes: ['a', 'b'] });
  await expect(asked).rejects.toMatchObject({
    code: 'VERSION_MISMATCH',
    message: expect.stringMatching(
      new RegExp(`^the task ${module} has source [0-9a-f]{64}, but the run was started with 0{64}; give this worker`),
    ) as string,
  });
});
