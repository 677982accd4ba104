import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors } from '@facet/shared';
import { randomModel, temporaryFolder, writeDataset } from '../../test/trained-model.js';
import { checkImages, compareAnswers, ownAnswers } from './check-export.js';
import type { ExportFormat } from './export-format.js';
import { exportModel, type ExportOptions } from './export-model.js';
import { runSafetensors } from './run-export.js';

const CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
const SHA256 = 'ab'.repeat(32);

async function options(format: ExportFormat, changes: Partial<ExportOptions> = {}): Promise<ExportOptions> {
  const dataFolder = await temporaryFolder();
  await writeDataset(dataFolder, 70);
  return {
    model: randomModel({ dataFolder }),
    origin: { run: 'demo', step: 12, weightsSha256: SHA256, classes: CLASSES },
    runFile: () => Promise.resolve('{}\n'),
    format,
    batch: 1,
    folder: path.join(await temporaryFolder(), 'export'),
    existing: 'refuse',
    ...changes,
  };
}

describe.each<[ExportFormat, string[]]>([
  ['onnx', ['README.md', 'labels.json', 'model.onnx']],
  ['safetensors', ['README.md', 'config.json', 'labels.json', 'model.safetensors', 'run.json']],
  ['tfjs', ['README.md', 'group1-shard1of1.bin', 'labels.json', 'model.json']],
])('an export as %s', (format, names) => {
  it('answers as our own evaluation does, within 1e-5', async () => {
    const asked = await options(format);
    const { files, check } = await exportModel(asked);
    expect((await readdir(asked.folder)).sort()).toEqual(names);
    expect(files.map(({ name }) => name).sort()).toEqual(names);
    expect(check).toMatchObject({ isWithinTolerance: true, tolerance: 1e-5, images: 64, source: 'test split' });
    expect(check.logitDeviation).toBeLessThan(1e-5);
    const readme = await readFile(path.join(asked.folder, 'README.md'), 'utf8');
    expect(readme).toContain(SHA256);
  });

  it('takes a batch of several images, and more images where 64 are no multiple of it', async () => {
    const { check } = await exportModel(await options(format, { batch: 5 }));
    expect(check).toMatchObject({ isWithinTolerance: true, images: 65 });
  });
});

it('keeps the names of parameters, the classes and the hash in the ONNX file', async () => {
  const asked = await options('onnx', { batch: 3 });
  await exportModel(asked);
  const bytes = await readFile(path.join(asked.folder, 'model.onnx'));
  for (const text of [...asked.model.layout.map(({ name }) => name), SHA256, JSON.stringify(CLASSES)]) {
    expect(bytes.includes(text), text).toBe(true);
  }
  const session = await InferenceSession.create(bytes);
  expect(session.inputMetadata).toMatchObject([{ name: 'images', type: 'float32', shape: [3, 1, 12, 12] }]);
  expect(session.outputMetadata).toMatchObject([
    { name: 'logits', shape: [3, 10] },
    { name: 'probabilities', shape: [3, 10] },
  ]);
  await session.release();
});

it('writes safetensors that hold every parameter bit by bit', async () => {
  const asked = await options('safetensors');
  await exportModel(asked);
  const { tensors, metadata } = decodeSafetensors(await readFile(path.join(asked.folder, 'model.safetensors')));
  expect(metadata).toMatchObject({ run: 'demo', step: '12', weights_sha256: SHA256 });
  for (const { name, shape, offset, length } of asked.model.layout) {
    expect(tensors.get(name)).toEqual({ shape, values: asked.model.weights.slice(offset, offset + length) });
  }
});

it('refuses a folder that holds something, and replaces only its own files when told to', async () => {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'mine.txt'), 'mine');
  const asked = await options('safetensors', { folder });
  await expect(exportModel(asked)).rejects.toMatchObject({ code: 'OUTPUT_EXISTS' });
  expect(await readdir(folder)).toEqual(['mine.txt']);
  await exportModel({ ...asked, existing: 'replace' });
  expect(await readFile(path.join(folder, 'mine.txt'), 'utf8')).toBe('mine');
});

it('notices that the files are not those of the model', async () => {
  const asked = await options('safetensors');
  const { model, folder } = asked;
  await exportModel(asked);
  const file = path.join(folder, 'model.safetensors');
  const bytes = await readFile(file);
  bytes.writeFloatLE(3, bytes.length - 4);
  await writeFile(file, bytes);
  const { pixels, source } = await checkImages(model, 1);
  const actual = await runSafetensors({ folder, model, batch: 1, images: pixels });
  const check = compareAnswers(await ownAnswers(model, pixels), actual, { count: 64, source });
  expect(check.isWithinTolerance).toBe(false);
  expect(check.logitDeviation).toBeGreaterThan(1e-3);
});

it('finds answers that are no numbers, or too few, infinitely wrong', () => {
  const expected = { logits: Float32Array.of(1, 2), probabilities: [0.3, 0.7] };
  const facts = { count: 1, source: 'random images' } as const;
  const broken = { logits: Float32Array.of(1, Number.NaN), probabilities: [0.3, 0.7] };
  expect(compareAnswers(expected, broken, facts)).toMatchObject({ isWithinTolerance: false, logitDeviation: Infinity });
  const short = { logits: Float32Array.of(1, 2), probabilities: [0.3] };
  expect(compareAnswers(expected, short, facts)).toMatchObject({ probabilityDeviation: Infinity });
});

it.each([
  ['has moved', '/nowhere'],
  // The built-in files, whose images are larger than the model's.
  ['is not named', undefined],
])('needs no folder of its dataset: it %s', async (_what, dataFolder) => {
  const { dataFolder: _gone, ...config } = randomModel().config;
  const model = { ...randomModel(), config: { ...config, ...(dataFolder !== undefined && { dataFolder }) } };
  expect(await checkImages(model, 1)).toMatchObject({ source: 'random images', pixels: { length: 64 * 12 * 12 } });
});
