/** What people publish says nothing of the place where it was made. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTrainedWeights, writeCheckpoint } from '@facet/storage';
import { configSchema, fromFirstForm, OPERATION_DEFAULTS, trainingPart, type RunConfig } from '@facet/shared';
import { runInProcess } from '../../test/run-cli.js';
import { modelOf } from '@facet/lab/data';

const CANARY = 'canary';
const MODEL = fileURLToPath(new URL('../../../../models/mnist-fast', import.meta.url));
let folder = '';
let checkpoint = '';
let config: RunConfig;

/** A run whose every host, path and login has the canary in it. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-export-'));
  const dataFolder = path.join(folder, `${CANARY}-images`);
  await writeSamples(dataFolder);
  const { info, weights, layout } = await readTrainedWeights(MODEL);
  config = configSchema.parse({
    ...OPERATION_DEFAULTS,
    ...(fromFirstForm(info.config) as object),
    run: 'demo',
    dataFolder,
    nats: { url: `nats://me:${CANARY}@${CANARY}.example:4222` },
    coordinator: { host: `${CANARY}-host`, port: 1, httpPort: 2 },
  });
  const written = await writeCheckpoint({
    folder: path.join(folder, 'checkpoints'),
    state: { step: 3, weights, m: new Float32Array(weights.length), v: new Float32Array(weights.length) },
    layout,
    info: { ...info, run: 'demo', step: 3, ledgerStep: 3, config },
  });
  checkpoint = written.path;
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** An MNIST-like dataset of black images. */
async function writeSamples(to: string): Promise<void> {
  const samples = 4;
  await mkdir(to);
  for (const split of ['train', 't10k']) {
    const images = Buffer.alloc(16 + samples * 28 * 28);
    [0x803, samples, 28, 28].forEach((word, i) => images.writeUInt32BE(word, 4 * i));
    const labels = Buffer.alloc(8 + samples);
    [0x801, samples].forEach((word, i) => labels.writeUInt32BE(word, 4 * i));
    await writeFile(path.join(to, `${split}-images-idx3-ubyte`), images);
    await writeFile(path.join(to, `${split}-labels-idx1-ubyte`), labels);
  }
}

async function exported(from: string, format: string, name = format): Promise<string> {
  const out = path.join(folder, `as-${name}`);
  const end = await runInProcess(['export', from, '--format', format, '--out', out], {});
  expect(end.code, end.stderr).toBe(0);
  return out;
}

test('the checkpoint has what must not get out', async () => {
  expect(await readFile(path.join(checkpoint, 'run.json'), 'utf8')).toContain(CANARY);
});

test.each(['onnx', 'tfjs', 'safetensors'])(
  'no file of an export as %s names a host, a path or a login',
  async (format) => {
    const out = await exported(checkpoint, format);
    const names = await readdir(out, { recursive: true });
    expect(names.length).toBeGreaterThan(2);
    for (const name of names) {
      const bytes = await readFile(path.join(out, name));
      for (const word of [CANARY, folder, 'nats://']) expect(bytes.includes(word), `${name}: ${word}`).toBe(false);
    }
  },
);

test('what decided the arithmetic and the size of images come back from an export', async () => {
  const trained = await readTrainedWeights(await exported(checkpoint, 'safetensors', 'kept'));
  expect(trained.info.config).toEqual(trainingPart(config));
  const { model } = await modelOf(trained);
  expect(model.image).toEqual({ height: 28, width: 28, channels: 1 });
  expect(model.config).toEqual({ ...OPERATION_DEFAULTS, ...trainingPart(config), run: 'demo' });
  // Once more from there, as people pass on what they were given.
  await exported(path.join(folder, 'as-kept'), 'safetensors', 'again');
});

test('a model that was exported with its whole configuration still opens', async () => {
  const { info, ...old } = await readTrainedWeights(MODEL);
  const whole = { ...old, info: { ...info, config, image: undefined } };
  expect((await modelOf(whole)).model.config).toEqual(config);
});
