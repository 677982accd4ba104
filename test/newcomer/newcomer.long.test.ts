/**
 * What somebody writes who is new here: a dataset is two files, a model one, a metric one or two. The files are written beside
 * copies of ours, compiled against the repository as it is, and used once.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tinyMnist, writeFiles } from '../../packages/datasets/test/fixtures.js';
import { openWorkspace, parseJson } from '../testkit/facet.js';
import { ON_CPU } from '../testkit/own-task.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = path.join(ROOT, 'node_modules/typescript/bin/tsc');

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-newcomer-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs Node to its end; what it says on stdout. A failure has all of it in its message. */
function node(args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`node ${args.join(' ')}:\n${stdout}\n${stderr}`));
    });
  });
}

const DEFINITION = `
/** Four digits, for a test. */
import type { DatasetDefinition } from './definition.js';
import { idxFiles } from './idx-files.js';

export const FEW_DIGITS = {
  name: 'few-digits',
  title: 'A few digits',
  image: { height: 28, width: 28, channels: 1 },
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  samples: { train: 4, test: 2 },
  family: 'mnist',
  traits: { isMirrorable: false, shows: 'digit', style: 'digit' },
  origin: 'folder',
  files: idxFiles({ train: 'train', test: 't10k' }),
} as const satisfies DatasetDefinition;
`;

const OPEN = `
import { openDataset } from '@facet/datasets';
const { name, image, train, test } = await openDataset({ name: 'few-digits', folder: process.argv[2] });
console.log(JSON.stringify({ name, image, train: train.count, test: test.count }));
`;

/** A copy of some packages, compiled against the repository's modules; ours among them are the copies. */
async function copyHouse(name: string, packages: readonly string[]): Promise<string> {
  const house = path.join(folder, name);
  for (const each of packages) {
    const [from, to] = [path.join(ROOT, 'packages', each), path.join(house, 'packages', each)];
    await cp(path.join(from, 'src'), path.join(to, 'src'), { recursive: true });
    for (const file of ['package.json', 'tsconfig.json']) await cp(path.join(from, file), path.join(to, file));
  }
  await cp(path.join(ROOT, 'tsconfig.base.json'), path.join(house, 'tsconfig.base.json'));
  const modules = path.join(house, 'node_modules');
  await mkdir(path.join(modules, '@facet'), { recursive: true });
  for (const entry of await readdir(path.join(ROOT, 'node_modules'))) {
    if (entry !== '@facet' && !entry.startsWith('.')) {
      await symlink(path.join(ROOT, 'node_modules', entry), path.join(modules, entry));
    }
  }
  for (const each of packages) {
    await symlink(path.join(house, 'packages', each), path.join(modules, '@facet', each));
  }
  return house;
}

const STORE = `
/** Runs in the memory of this process, for a test. */
import { MemoryStore } from '../memory/memory-store.js';
import type { StoreKind } from './store-kind.js';

const store = new MemoryStore();

export const BRIEF: StoreKind = {
  scheme: 'brief://',
  shape: 'brief://PLACE',
  open: () => Promise.resolve(store),
};
`;

const USE_STORE = `
import { contentOf, openStore, readText, STORE_SHAPES } from '@facet/storage';
const store = await openStore('brief://here', { env: {} });
const run = await store.open('first');
await run.objects.put('config.json', contentOf('{}'));
const claim = await run.ledger.claim();
await claim.append(0, new TextEncoder().encode('one'));
console.log(JSON.stringify({ runs: await store.runs(), config: await readText(run.objects, 'config.json'), STORE_SHAPES }));
`;

it('a store: its kind, and its line in the registry', { timeout: 180_000 }, async () => {
  const house = await copyHouse('store-house', ['shared', 'security', 'storage']);
  const stores = path.join(house, 'packages/storage/src/store');
  await writeFile(path.join(stores, 'brief-kind.ts'), STORE);
  const registry = path.join(house, 'packages/storage/src/registry.ts');
  const listed = (await readFile(registry, 'utf8'))
    .replace(
      'import type { RunStore, Store }',
      "import { BRIEF } from './store/brief-kind.js';\nimport type { RunStore, Store }",
    )
    .replace(/= \[FOLDER, /, '= [BRIEF, FOLDER, ');
  await writeFile(registry, listed);
  expect(await node([TSC, '-b', 'packages/storage'], house)).toBe('');
  await writeFile(path.join(house, 'use.mjs'), USE_STORE);
  expect(JSON.parse(await node(['use.mjs'], house))).toEqual({
    ...{ runs: ['first'], config: '{}', STORE_SHAPES: expect.stringContaining('brief://PLACE') },
  });
});

it('a dataset: a definition, and its line in the registry', { timeout: 180_000 }, async () => {
  const house = await copyHouse('house', ['shared', 'datasets']);
  const datasets = path.join(house, 'packages/shared/src/datasets');
  await writeFile(path.join(datasets, 'few-digits.ts'), DEFINITION);
  const registry = path.join(datasets, 'registry.ts');
  const listed = (await readFile(registry, 'utf8'))
    .replace('import { MNIST }', "import { FEW_DIGITS } from './few-digits.js';\nimport { MNIST }")
    .replace('  MNIST,\n', '  MNIST,\n  FEW_DIGITS,\n');
  await writeFile(registry, listed);
  expect(await node([TSC, '-b', 'packages/datasets'], house)).toBe('');

  const files = path.join(folder, 'files');
  await mkdir(files);
  await writeFiles(files, tinyMnist());
  await writeFile(path.join(house, 'open.mjs'), OPEN);
  // The files of a user may have images of another size than the published ones.
  expect(JSON.parse(await node(['open.mjs', files], house))).toEqual({
    ...{ name: 'few-digits', image: { height: 2, width: 3, channels: 1 }, train: 4, test: 2 },
  });
});

const METRIC = `
import type { PerSample } from 'facet-train';

/** How far the best answer is ahead of the mean of all. */
export const lead: PerSample = (prediction) => prediction.max(1).sub(prediction.mean(1));
`;

const TASK = `
import { createHash } from 'node:crypto';
import { defineTask, linear, own, tf, weights, zeros } from 'facet-train';
METRIC_IMPORT
const pointOf = (id: number): readonly [number, number] => [((id * 37) % 64) / 32 - 1, ((id * 11) % 64) / 32 - 1];

export default defineTask({
  name: 'quarters',
  dataset: () =>
    own({
      fields: { at: { type: 'float32', shape: [2] }, label: { type: 'uint8', shape: [] } },
      classes: ['left', 'right'],
      length: (split) => (split === 'train' ? 64 : 32),
      read: (_split, ids) => ({
        at: Float32Array.from([...ids].flatMap((id) => [...pointOf(id)])),
        label: Uint8Array.from(ids, (id) => (pointOf(id)[0] < 0 ? 0 : 1)),
      }),
      digest: createHash('sha256').update('64 points').digest('hex'),
    }),
  training: { epochs: 2, batch: { micro: 8, global: 16 } },
  model: ({ classes }) => ({
    parameters: { kernel: weights([2, classes.length]), bias: zeros([classes.length]) },
    predict: (parameters, { at }) =>
      linear(at as tf.Tensor2D, parameters.get('kernel') as tf.Tensor2D, parameters.get('bias') as tf.Tensor1D),
  }),
  METRICS
});
`;

const SURE = `metrics: { sure: (prediction) => tf.softmax(prediction as tf.Tensor2D).max(1) },`;

const withMetric = (importing: string, metrics: string): string =>
  TASK.replace('METRIC_IMPORT', importing).replace('METRICS', metrics);

/** Written in TypeScript, compiled strictly against what users import, and trained by the command. */
it.each([
  ['a model and a metric: one file', { 'task.ts': withMetric('', SURE) }, 'sure', [0.4, 1]],
  [
    'a metric of its own file: two',
    { 'task.ts': withMetric("import { lead } from './lead.js';", 'metrics: { lead },'), 'lead.ts': METRIC },
    'lead',
    [0, 100],
  ],
] as const)('%s', { timeout: 120_000 }, async (name, files, metric, [least, most]) => {
  await using workspace = await openWorkspace();
  const place = path.join(workspace.folder, 'mine');
  await mkdir(place);
  await symlink(path.join(ROOT, 'node_modules'), path.join(place, 'node_modules'));
  await writeFile(path.join(place, 'package.json'), '{ "type": "module" }');
  for (const [file, text] of Object.entries(files)) await writeFile(path.join(place, file), text);
  const flags = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--skipLibCheck', '--types', 'node'];
  expect(await node([TSC, ...flags, '--ignoreConfig', ...Object.keys(files)], place), name).toBe('');

  const args = ['up', '--task', path.join(place, 'task.js'), ...ON_CPU, '--workers', '1', '--json'];
  const result = await workspace.run(args);
  expect(result.code, result.stderr).toBe(0);
  const { evaluation, ledger } = parseJson(result) as unknown as {
    readonly evaluation: { readonly metrics: Readonly<Record<string, number>> };
    readonly ledger: unknown;
  };
  expect(ledger).toMatchObject({ clean: true, expected: 128, committed: 128 });
  expect(evaluation.metrics[metric]).toBeGreaterThan(least);
  expect(evaluation.metrics[metric]).toBeLessThanOrEqual(most);
});
