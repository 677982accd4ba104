import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { countingBytes, temporaryFolder, writeFiles } from '../test/fixtures.js';
import { cifar10CacheFolder } from './cifar10.js';
import { encodeCifarBatch } from './format/cifar-binary.js';
import { openDataset, verifyDataset } from './open.js';
import { mkdir } from 'node:fs/promises';

const NAMES = ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch'];

/** Six batches; batch i has i+1 rows with label i. */
function tinyCifar10(): Record<string, Uint8Array> {
  const batches = NAMES.map((name, i) => {
    const pixels = countingBytes((i + 1) * 3072, 251 - i);
    return [`${name}.bin`, encodeCifarBatch({ count: i + 1, pixels, labels: new Uint8Array(i + 1).fill(i) })] as const;
  });
  return Object.fromEntries(batches);
}

describe('CIFAR batches in a folder', () => {
  it('make the train split in order, and the test split', async () => {
    const folder = await temporaryFolder();
    await writeFiles(folder, tinyCifar10());
    const dataset = await openDataset({ name: 'cifar10', folder });
    expect(dataset.image).toEqual({ height: 32, width: 32, channels: 3 });
    expect([...dataset.train.labels]).toEqual([0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4]);
    expect([...dataset.test.labels]).toEqual([5, 5, 5, 5, 5, 5]);
    expect(dataset.train.pixels.subarray(3072, 3 * 3072)).toEqual(countingBytes(2 * 3072, 250));
    expect(await verifyDataset({ name: 'cifar10', folder })).toMatchObject({ ok: true, sha256: dataset.sha256 });
  });

  it('are refused when one is cut in the middle of a row', async () => {
    const folder = await temporaryFolder();
    const batches = tinyCifar10();
    await writeFiles(folder, { ...batches, 'data_batch_3.bin': batches['data_batch_3.bin']!.subarray(0, 9000) });
    await expect(openDataset({ name: 'cifar10', folder })).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringMatching(
        /data_batch_3\.bin has 9000 bytes, expected a positive multiple of 3073/,
      ) as unknown,
    });
  });
});

describe('the cache of CIFAR-10', () => {
  it('says how to fetch it when it is empty', async () => {
    const cacheFolder = await temporaryFolder();
    await expect(openDataset({ name: 'cifar10', cacheFolder })).rejects.toMatchObject({
      code: 'DATASET_UNAVAILABLE',
      message:
        `cifar10 is not in the cache: ${join(cacheFolder, 'cifar10')} does not exist; ` +
        'run `facet dataset fetch cifar10`, or name a folder with the six binary batches in it',
    });
  });

  it('refuses batches that are not the canonical ones', async () => {
    const source = { name: 'cifar10', cacheFolder: await temporaryFolder() } as const;
    const folder = cifar10CacheFolder(source);
    await mkdir(folder);
    await writeFiles(folder, { ...tinyCifar10(), 'test_batch.bin': new Uint8Array(30_730_000) });
    await expect(openDataset(source)).rejects.toThrow(
      /data_batch_1\.bin has 3073 bytes, expected 30730000; run `facet dataset fetch cifar10` to fetch it again$/,
    );
    const { files } = await verifyDataset(source);
    expect(files.at(-1)).toMatchObject({ name: 'test_batch.bin', bytes: 30_730_000, ok: false });
    expect(files.at(-1)?.problem).toMatch(/test_batch\.bin has sha256 [0-9a-f]{64}, expected 8e2eb146ae340b09e2/);
  });
});
