/**
 * The packed package works alone: its commands, a task that imports it, the project that `facet init` writes, and its types.
 */
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { TrainingEvent } from 'facet-train';
import { parseJson } from '../testkit/facet.js';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { installNode } from './node-releases.js';
import { installPackage, type InstalledPackage } from './installed-package.js';

const MOST_BYTES = 40e6;
const NPX = ['--no-install', 'facet'];

let found: Awaited<ReturnType<typeof installPackage>>;
let installed: InstalledPackage;
/** SHA-256 of the same run's weights. */
const weightsByNode = new Map<string, string>();

beforeAll(async () => {
  found = await installPackage();
  if (!('unreachable' in found)) installed = found;
}, 240_000);

beforeEach((context) => {
  if ('unreachable' in found) context.skip(found.unreachable);
});

afterAll(async () => {
  await installed?.[Symbol.asyncDispose]();
});

it('is small, and holds neither tests nor source maps', () => {
  const { file, bytes, files } = installed.tarball;
  expect(bytes).toBeLessThan(MOST_BYTES);
  const listed = spawnSync('tar', ['tzf', file], { encoding: 'utf8' }).stdout.trim().split('\n');
  expect(listed).toHaveLength(files);
  expect(listed.filter((name) => /\.test\.|\.map$|\/src\/|\.tsbuildinfo$/.test(name))).toEqual([]);
  expect(listed).toContain('package/models/mnist-fast/model.safetensors');
  expect(existsSync(path.join(installed.folder, 'node_modules/facet-train/LICENSE'))).toBe(true);
});

it('has a manifest that publint has nothing against', { timeout: 60_000 }, async () => {
  const { buffer, byteOffset, byteLength } = await readFile(installed.tarball.file);
  const tarball = buffer.slice(byteOffset, byteOffset + byteLength);
  const { messages } = await publint({ pack: { tarball }, strict: true });
  expect(messages).toEqual([]);
});

it('has types that are not wrong, wherever ES modules can be imported', { timeout: 120_000 }, async () => {
  const packed = createPackageFromTarballData(new Uint8Array(await readFile(installed.tarball.file)));
  const analysis = await checkPackage(packed);
  if (analysis.types === false) throw new Error('the package has no types');
  const { problems, entrypoints } = analysis;
  // The package is ES modules alone: old resolution and require() are not for it (the profile esm-only of attw).
  const left = problems.filter(
    (problem) => !('resolutionKind' in problem && ['node10', 'node16-cjs'].includes(problem.resolutionKind)),
  );
  expect(left).toEqual([]);
  expect(Object.keys(entrypoints)).toContain('.');
});

it('has its commands', { timeout: 60_000 }, async () => {
  const version = await installed.run('npx', ['--no-install', 'facet-train', '--version']);
  expect(version.stdout.trim(), version.stderr).toMatch(/^\d+\.\d+\.\d+$/);
  const doctor = await installed.run('npx', [...NPX, 'doctor', '--engine', 'onnxruntime', '--json']);
  const { engines } = parseJson(doctor) as unknown as { engines: { device: string; state: string }[] };
  expect(engines.find(({ device }) => device === 'cpu')?.state, doctor.stderr).toBe('ok');
  // Hints name what works here.
  const refused = await installed.run('npx', [...NPX, 'up', '--dataset', 'kmnist']);
  expect(refused.stderr).toContain('`npx facet dataset verify`');
});

const TASK = `
import { createHash } from 'node:crypto';
import * as tf from '@tensorflow/tfjs';
import { defineTask, own, weights, zeros } from 'facet-train';

export default defineTask({
  name: 'sides',
  dataset: () =>
    own({
      fields: { at: { type: 'float32', shape: [2] }, label: { type: 'uint8', shape: [] } },
      classes: ['left', 'right'],
      length: (split) => (split === 'train' ? 64 : 32),
      read(_split, ids) {
        const at = Float32Array.from(ids, (id) => ((id * 37) % 64) / 32 - 1);
        const both = new Float32Array(2 * ids.length);
        at.forEach((x, row) => both.set([x, 1], 2 * row));
        return { at: both, label: Uint8Array.from(at, (x) => (x < 0 ? 0 : 1)) };
      },
      digest: createHash('sha256').update('64 and 32 points').digest('hex'),
    }),
  training: { epochs: 3, batch: { micro: 8, global: 16 } },
  model: () => ({
    parameters: { kernel: weights([2, 2]), bias: zeros([2]) },
    predict: (parameters, { at }) => tf.add(tf.matMul(at, parameters.get('kernel')), parameters.get('bias')),
  }),
});
`;

it('trains the project that init writes, which learns its task', { timeout: 90_000 }, async () => {
  const init = await installed.run('npx', [...NPX, 'init', 'my-task', '--json']);
  expect(init.code, init.stderr).toBe(0);
  const { next } = parseJson(init) as unknown as { next: string[] };
  // What the package itself finds, the project below it finds without an installation.
  expect(next).toEqual(['cd my-task', 'npx facet up --config facet.yaml']);
  const up = await installed.run(
    'npx',
    [...NPX, 'up', '--config', 'facet.yaml', '--epochs', '10', '--json'],
    'my-task',
  );
  expect(up.code, up.stderr).toBe(0);
  const { testAccuracy, workers } = parseJson(up);
  expect(workers).toBe(2);
  // Always the most frequent ring would be 45 % right.
  expect(testAccuracy).toBeGreaterThan(0.9);
});

const PROGRAM = `
import { readFileSync } from 'node:fs';
import { train } from 'facet-train';

const config = { batch: { global: 32 } };
const training = await train({ task: './task.mjs', workers: 1, run: 'program', config, secure: true });
const events = [];
for await (const event of training.events()) events.push(event);
const { weightsSha256, steps } = await training.result();
const late = [];
for await (const event of training.events()) late.push(event);

const stop = new AbortController();
const long = await train({ task: './task.mjs', workers: 1, epochs: 10_000, run: 'stopped', signal: stop.signal });
let last;
for await (const event of long.events()) {
  last = event;
  if (event.kind === 'step' && event.step === 3) stop.abort();
}
const refusal = await long.result().catch((error) => error);
const wrong = await train({ task: './task.mjs', workers: 0 }).catch((error) => error);
const failures = { stopped: refusal.code, wrong: wrong.code };
const isSecure = readFileSync(training.folder + '/logs/broker.log', 'utf8').includes('TLS required for client');
console.log(JSON.stringify({ events, late, weightsSha256, steps, last, failures, isSecure }));
`;

it('trains from a program, which sees every step and may stop it', { timeout: 120_000 }, async () => {
  await installed.write('task.mjs', TASK);
  await installed.write('program.mjs', PROGRAM);
  const ended = await installed.run(process.execPath, ['program.mjs']);
  expect(ended.code, ended.stderr).toBe(0);
  const { events, late, weightsSha256, steps, last, failures, isSecure } = JSON.parse(ended.stdout) as ProgramReport;
  expect(isSecure).toBe(true);
  const evaluations = events.filter((event) => event.kind === 'evaluation');
  const committed = events.filter((event) => event.kind === 'step');
  // 64 samples, 32 in a step, 3 epochs.
  expect(steps).toBe(6);
  expect(committed.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(evaluations.map(({ epoch }) => epoch)).toEqual([0, 1, 2]);
  expect(events.at(-1)).toMatchObject({ kind: 'ended', reason: 'finished', step: 6 });
  expect(late).toEqual(events);
  expect(last).toMatchObject({ kind: 'ended', reason: 'stopped' });
  expect(failures).toEqual({ stopped: 'CANCELLED', wrong: 'CONFIG_INVALID' });

  // The command ends with the same weights.
  const args = ['up', '--task', './task.mjs', '--workers', '2', '--set', 'batch.global=32', '--json'];
  const up = await installed.run('npx', [...NPX, ...args]);
  const trained = parseJson(up);
  expect(trained.weightsSha256, up.stderr).toBe(weightsSha256);
  expect(trained.ledger).toMatchObject({ expected: 192, committed: 192, missing: 0, duplicated: 0 });
});

/** The oldest that the package takes, and the newest. */
it.for(['20.15.1', '26.9.0'])(
  'gives the same weights under Node %s',
  { timeout: 240_000 },
  async (version, context) => {
    const node = await installNode(installed.folder, version);
    if ('unreachable' in node) return context.skip(node.unreachable);
    await installed.write('task.mjs', TASK);
    const args = ['up', '--task', './task.mjs', '--workers', '1', '--set', 'batch.global=32', '--json'];
    const up = await installed.run(node.binary, ['node_modules/facet-train/bin/facet.mjs', ...args]);
    expect(up.code, up.stderr).toBe(0);
    const { weightsSha256 } = parseJson(up);
    weightsByNode.set(version, weightsSha256);
    expect([...new Set(weightsByNode.values())], [...weightsByNode.keys()].join()).toEqual([weightsSha256]);
  },
);

interface ProgramReport {
  readonly events: readonly TrainingEvent[];
  readonly late: readonly TrainingEvent[];
  readonly last: TrainingEvent;
  readonly weightsSha256: string;
  readonly steps: number;
  readonly isSecure: boolean;
  readonly failures: Readonly<Record<string, string>>;
}

const CONSUMER = `
import * as tf from '@tensorflow/tfjs';
import { defineTask, fromLayers, linear, own, train, weights, zeros } from 'facet-train';
import type { RunResult, SampleSource, TaskDefinition, TrainingEvent } from 'facet-train';

const samples: SampleSource = own({
  fields: { at: { type: 'float32', shape: [2] }, label: { type: 'uint8', shape: [] } },
  classes: ['left', 'right'],
  length: (split) => (split === 'train' ? 64 : 32),
  read: (_split, ids) => ({ at: new Float32Array(ids.length * 2), label: new Uint8Array(ids.length) }),
  digest: '0'.repeat(64),
});
const task: TaskDefinition<{ width: number }> = defineTask({
  name: 'sides',
  options: { parse: (value) => value as { width: number } },
  dataset: () => samples,
  training: { epochs: 2, batch: { micro: 16, global: 32 } },
  model: ({ options: { width } }) => ({
    parameters: { kernel: weights([2, width]), bias: zeros([width]) },
    predict: (parameters, { at }) =>
      linear(at as tf.Tensor2D, parameters.get('kernel') as tf.Tensor2D, parameters.get('bias') as tf.Tensor1D),
  }),
});
export default task;
export const layers = defineTask({
  name: 'layers',
  model: fromLayers(({ classes }) =>
    tf.sequential({ layers: [tf.layers.dense({ units: classes.length, inputShape: [2] })] }),
  ),
});
export async function run(): Promise<RunResult> {
  const training = await train({ task: './task.mjs', workers: 2, signal: AbortSignal.timeout(60_000) });
  for await (const event of training.events()) {
    if (event.kind === 'evaluation') console.log(event.accuracy, event.metrics);
  }
  return training.result();
}
// @ts-expect-error a name is text
defineTask({ name: 3, model: () => ({ parameters: {}, predict: () => tf.zeros([1]) }) });
// @ts-expect-error there is no such loss
defineTask({ name: 'x', loss: 'cross', model: () => ({ parameters: {}, predict: () => tf.zeros([1]) }) });
`;

it.each([
  ['nodenext', ['--module', 'nodenext', '--moduleResolution', 'nodenext']],
  ['bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']],
] as const)(
  'has types for moduleResolution %s, and the project of init passes them',
  { timeout: 60_000 },
  async (_, flags) => {
    await installed.write('consumer.ts', CONSUMER);
    const task = 'node_modules/facet-train/template/task.mjs';
    const problems = await installed.typeProblems(['consumer.ts', task], [...flags, '--allowJs', '--types', 'node']);
    expect(problems).toBe('');
  },
);
