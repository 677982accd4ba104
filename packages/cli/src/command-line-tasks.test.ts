/** Tasks of a user's own that are wrong: one message each, exit code 2, and nothing is started. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePng } from '../../../test/testkit/png.js';
import { encodeNpy } from '../../datasets/test/npy.js';
import { runCli, runInProcess } from '../test/run-cli.js';

let root = '';
const folder = (): string => root;

afterAll(() => rm(root, { recursive: true, force: true }));

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'facet-tasks-'));
  const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
  await symlink(modules, path.join(folder(), 'node_modules'));
  await writeFile(path.join(folder(), 'gap.csv'), 'x,label\n1,2\n,4\n');
  await writeFile(path.join(folder(), 'one.csv'), 'x,label\n1,a\n2,a\n');
  await mkdir(path.join(folder(), 'nothing'));
  const grey = (side: number): Buffer =>
    encodePng({ width: side, height: side, pixels: new Uint8Array(side * side).fill(side) });
  for (const [name, side] of [['cat', 8] as const, ['dog', 9] as const]) {
    await mkdir(path.join(folder(), 'images', name), { recursive: true });
    for (const at of [1, 2, 3]) await writeFile(path.join(folder(), 'images', name, `${at}.png`), grey(side));
  }
  // What numpy.savez writes of an array of Python objects: a pickle, which nobody should load.
  const pickled = encodeNpy([3], Buffer.from('\x80\x04]\x94.', 'latin1'), { type: '|O' });
  await writeFile(path.join(folder(), 'pickled.npz'), storedZip('x.npy', pickled));
});

/** Ten samples: x is 0 to 9, the label the rest of a division by three. */
const HEAD = `
import { arrays, csv, defineTask, imageFolder, own, tf, weights, zeros } from 'facet-train';
const data = (change = {}) => own({
  fields: { x: { type: 'float32', shape: [1] }, label: { type: 'int32', shape: [] } },
  length: () => 10, digest: '0'.repeat(64), classes: ['a', 'b', 'c'],
  read: (_, ids) => ({ x: Float32Array.from(ids), label: Int32Array.from(ids, (id) => id % 3) }),
  ...change,
});
const predict = (parameters, { x }) => x.matMul(parameters.get('w'));
const model = () => ({ parameters: { w: weights([1, 3]) }, predict });
const training = { batch: { global: 8, micro: 4 } };
`;

/** A module with these members beside, or instead of, those of a task that is right. */
const task = (members: string): string =>
  `${HEAD}export default defineTask({ name: 'mine', dataset: data(), training, model, ${members} });\n`;

/** The same, where the members use zod. */
const withZod = (members: string): string => `import { z } from 'zod';\n${task(members)}`;

/** A ZIP archive of one file that is not compressed. */
function storedZip(name: string, content: Buffer): Buffer {
  const header = (signature: number, head: readonly number[]): Buffer => {
    const fixed = Buffer.alloc(4 + head.length);
    fixed.writeUInt32LE(signature);
    fixed.set(head, 4);
    return fixed;
  };
  const sizes = Buffer.alloc(16);
  sizes.writeUInt32LE(crc32(content), 0);
  sizes.writeUInt32LE(content.length, 4);
  sizes.writeUInt32LE(content.length, 8);
  sizes.writeUInt16LE(name.length, 12);
  const file = Buffer.from(name);
  // Version 20, no flags, stored, no time.
  const about = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
  const local = Buffer.concat([header(0x04034b50, about), sizes, file, content]);
  const central = Buffer.concat([header(0x02014b50, [20, 0, ...about]), sizes, Buffer.alloc(14), file]);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

test.each<[what: string, source: string | undefined, message: string, ...args: string[]]>([
  ['a module that does not exist', undefined, 'there is no such file; give --task the path of a module'],
  ['a module without a default export', 'export const a = 1;\n', 'it has no default export (it exports a)'],
  ['something else as the default export', 'export default {};\n', 'expected `export default defineTask({ ... })`'],
  ['a definition without a model', task('model: undefined'), 'model is missing, expected a function'],
  ['a key that no task has', task('loader: 1'), 'loader is no part of a task, expected one of name'],
  ['a promise as the samples', task('dataset: Promise.resolve()'), 'dataset is a promise, expected what imageFolder'],
  ['samples that are none', task('dataset: () => 3'), 'dataset gives a number, expected what imageFolder'],
  ['a dataset that throws', task("dataset: () => { throw new Error('no disk'); }"), 'dataset threw Error: no disk'],
  ['no samples', task('dataset: undefined'), 'the task mine has no dataset; give it one in'],
  [
    'no folder',
    task('dataset: imageFolder()'),
    'name the place with --data, or in the task with imageFolder({ folder })',
  ],
  ['an unknown loss', task("loss: 'l1'"), "loss is 'l1', expected one of crossEntropy, binaryCrossEntropy"],
  ['a loss of another shape', task('loss: (z) => z.mean()'), 'its loss is a tensor [], expected a tensor [4]'],
  ['a loss that throws', task("loss: () => { throw new Error('oh'); }"), 'loss threw Error: oh'],
  ['a model that throws', task("model: () => { throw new Error('oh'); }"), 'model threw Error: oh'],
  [
    'a first loss of NaN',
    task('loss: (z) => z.sum(1).mul(0).sub(1).log()'),
    'the loss of the first samples is no finite',
  ],
  [
    'chance in a model',
    task('model: () => ({ ...model(), predict: (p, s) => predict(p, s).mul(Math.random()) })'),
    'its training program is otherwise the second time; it may read no clock and draw nothing at random',
  ],
  [
    'the clock in a model',
    task('model: () => ({ ...model(), predict: (p, s) => predict(p, s).mul(performance.now()) })'),
    'it may read no clock',
  ],
  [
    'a parameter named like a field',
    task('model: () => ({ parameters: { x: zeros([1]) }, predict })'),
    'the parameter x',
  ],
  [
    'a target that no sample has',
    task("target: 'depth'"),
    'compares with the field depth, but the samples have x, label',
  ],
  [
    'a label of no class',
    task('dataset: data({ read: (_, ids) => ({ x: Float32Array.from(ids), label: Int32Array.from(ids) }) })'),
    'has label 8, expected 0 to 2, because there are 3 classes',
  ],
  ['fewer samples than a batch', task('training: {}'), 'batch.global: 128, expected at most 10, the samples that mine'],
  ['a gap in a table', task("dataset: csv({ label: 'label', train: 'gap.csv', labelIs: 'number' })"), 'gap.csv: row 2'],
  [
    'images of two sizes without a size',
    task("dataset: imageFolder({ testShare: 0.4 }), target: 'label'"),
    ' pixels as cat/',
    '--data',
    'images',
  ],
  [
    'arrays that are pickled',
    task('dataset: arrays()'),
    'holds pickled Python objects (type |O), expected an array of numbers',
    '--data',
    'pickled.npz',
  ],
  ['one class alone', task("dataset: csv({ label: 'label', train: 'one.csv' })"), 'one class alone'],
  ['a metric that the system counts', task('metrics: { correct: (z) => z.sum(1) }'), 'a metric is named correct'],
  ['a preset beside the task', task(''), "preset: 'mnist-fast' (from the command line)", '--preset', 'mnist-fast'],
  ['keys of the other model', task(''), 'it is a key of the multi-view model', '--set', 'model.width=32'],
  [
    'options that the task does not take',
    task(''),
    'task.options.depth: 3 (from the command line): the task takes no options',
    '--set',
    'task.options.depth=3',
  ],
  [
    'an option that its schema does not know',
    withZod('options: z.strictObject({ width: z.int().default(3) })'),
    'task.options.widht: unknown key (from the command line); did you mean task.options.width?',
    '--set',
    'task.options.widht=4',
  ],
  [
    'an option that its schema refuses',
    withZod('options: z.strictObject({ width: z.int().max(8) })'),
    'task.options.width: 9 (from the command line): ',
    '--set',
    'task.options.width=9',
  ],
])('refuses %s', { timeout: 60_000 }, async (what, source, message, ...args) => {
  const file = path.join(folder(), `${what.replaceAll(' ', '-')}.mjs`);
  if (source !== undefined) await writeFile(file, source);
  const runs = path.join(folder(), 'runs');
  const env = { FACET_RUNS: runs, FACET_CODE_VERSION: 'test', FACET_CACHE: path.join(folder(), 'cache') };
  const placed = args.map((arg, at) => (args[at - 1] === '--data' ? path.join(folder(), arg) : arg));
  const { code, stdout, stderr } = await runInProcess(['up', '--workers', '1', '--task', file, ...placed], env);
  expect(code, stderr).toBe(2);
  expect(existsSync(runs), 'nothing is started').toBe(false);
  expect(stderr).toContain(message);
  expect(stderr.trim().split('\n'), 'one message').toHaveLength(1);
  expect(stdout).toBe('');
});

test('names the line of a module that does not parse', async () => {
  const file = path.join(folder(), 'no-module.mjs');
  await writeFile(file, '\nconst a = ;\n');
  const runs = path.join(folder(), 'runs');
  // As a process: here the loader of the tests would parse the module.
  const { code, stderr } = await runCli(['up', '--task', file], { FACET_RUNS: runs });
  expect(code).toBe(2);
  expect(stderr).toBe(
    `error [TASK_INVALID]: ${file}:2: the task cannot be loaded: SyntaxError: Unexpected token ';'\n`,
  );
  expect(existsSync(runs)).toBe(false);
});
