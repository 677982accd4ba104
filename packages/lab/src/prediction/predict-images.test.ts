import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { randomModel, temporaryFolder } from '../../test/trained-model.js';
import { predictImages } from './predict-images.js';

const CPU = { name: 'onnxruntime', device: 'cpu' } as const;

/** A dark bar on white; `at` moves it. */
function drawing(at: number) {
  const bar = { width: 8, height: 30, channels: 3 as const, background: 'black' };
  return sharp({ create: { width: 64, height: 48, channels: 3, background: 'white' } }).composite([
    { input: { create: bar }, left: at, top: 8 },
    { input: { create: { ...bar, width: 20, height: 6 } }, left: 20, top: at },
  ]);
}

test('bad files have their reason, and the good ones their answers, in order', async () => {
  const folder = await temporaryFolder();
  await mkdir(path.join(folder, 'empty'));
  await mkdir(path.join(folder, 'many'));
  await writeFile(path.join(folder, 'many', 'notes.txt'), 'not asked for');
  // More than one micro-batch of six.
  for (let i = 0; i < 8; i++)
    await drawing(10 + 2 * i)
      .png()
      .toFile(path.join(folder, 'many', `image-${i}.PNG`));
  await drawing(12).jpeg().toFile(path.join(folder, 'photo'));
  await writeFile(path.join(folder, 'zero.png'), '');
  execFileSync('mkfifo', [path.join(folder, 'pipe')]);
  const paths = ['zero.png', 'many', 'gone.png', 'photo', 'empty', 'pipe'].map((name) => path.join(folder, name));

  const predictions = await predictImages({ model: randomModel(), paths, engine: CPU, threads: 1 });

  expect(predictions.map(({ file }) => path.relative(folder, file))).toEqual([
    'zero.png',
    ...Array.from({ length: 8 }, (_, i) => path.join('many', `image-${i}.PNG`)),
    'gone.png',
    'photo',
    'empty',
    'pipe',
  ]);
  const reasons = predictions.flatMap((prediction) => (prediction.ok ? [] : [prediction.error.message]));
  expect(reasons).toEqual([
    expect.stringContaining('zero.png: the file is empty, expected a PNG or JPEG image'),
    expect.stringContaining('gone.png: no such file, expected a PNG or JPEG file or a folder of them'),
    expect.stringContaining('empty: the folder has no image among its 0 entries, expected .png, .jpg, .jpeg files'),
    expect.stringContaining('pipe: it is a pipe, expected a regular file'),
  ]);
  for (const prediction of predictions) {
    if (!prediction.ok) continue;
    expect(prediction).toMatchObject({ width: 64, height: 48, changes: ['inverted', 'centred'] });
    const probabilities = prediction.guesses.map(({ probability }) => probability);
    expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a));
    expect(probabilities.reduce((sum, probability) => sum + probability, 0)).toBeCloseTo(1, 10);
  }
});

test('an image has the same answer alone and among others', async () => {
  const folder = await temporaryFolder();
  const files = [10, 14, 18].map((at) => ({ at, file: path.join(folder, `${at}.png`) }));
  for (const { at, file } of files) await drawing(at).png().toFile(file);
  const predict = (paths: string[]) => predictImages({ model: randomModel(), paths, engine: CPU, threads: 1 });
  const together = await predict(files.map(({ file }) => file));
  const [alone] = await predict([files[1]!.file]);
  expect(alone).toEqual(together[1]);
});
