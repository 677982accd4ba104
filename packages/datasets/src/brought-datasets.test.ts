import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { countingBytes, encodeIdx, temporaryFolder, tinyMnist, writeFiles } from '../test/fixtures.js';
import { openDataset, verifyDataset } from './open.js';

/** Renames the files of a tiny MNIST. */
function renamed(rename: (name: string) => string, files = tinyMnist()): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [rename(name), content]));
}

const asEmnist = (split: string) => (name: string) => `emnist-${split}-${name.replace(/^t10k/, 'test')}`;

/** Rows as CIFAR-100 has them; every pixel byte of a row counts on from its place in a plane. */
function cifar100Rows(labels: readonly (readonly [coarse: number, fine: number])[]): Uint8Array {
  return Buffer.concat(labels.map((label) => Buffer.concat([Buffer.from(label), countingBytes(3_072, 251)])));
}

describe('datasets that the user brings', () => {
  it.each(['fashion-mnist', 'kmnist', 'emnist-balanced', 'cifar100'] as const)(
    '%s is asked for when no folder is named',
    async (name) => {
      await expect(openDataset({ name })).rejects.toMatchObject({
        code: 'DATASET_UNAVAILABLE',
        message: expect.stringMatching(
          new RegExp(`^${name} does not come with Facet, expected a folder with .*; name it with --data-folder`),
        ) as unknown,
      });
    },
  );

  it.each([
    ['as they are published', (name: string) => name],
    ['as some programs unpack them', (name: string) => name.replace('-idx', '.idx')],
  ])('may be named %s, plain or gzipped', async (_, rename) => {
    const folder = await temporaryFolder();
    const packed = Object.entries(renamed(rename)).map(([name, content], i) =>
      i % 2 === 0 ? ([`${name}.gz`, gzipSync(content)] as const) : ([name, content] as const),
    );
    await writeFiles(folder, Object.fromEntries(packed));
    const dataset = await openDataset({ name: 'fashion-mnist', folder });
    expect(dataset.classes[7]).toBe('Sneaker');
    expect(dataset.train).toEqual({ count: 4, pixels: countingBytes(24), labels: countingBytes(4) });
    const report = await verifyDataset({ name: 'fashion-mnist', folder });
    expect(report).toMatchObject({ name: 'fashion-mnist', ok: true, sha256: dataset.sha256 });
    expect(report.files.map(({ isCanonical }) => isCanonical)).toEqual([null, null, null, null]);
  });

  it('name every spelling that was looked for', async () => {
    const folder = await temporaryFolder();
    await expect(openDataset({ name: 'kmnist', folder })).rejects.toThrow(
      /train-images-idx3-ubyte does not exist \(nor .*train-images-idx3-ubyte\.gz, nor train-images\.idx3-ubyte, nor train-images\.idx3-ubyte\.gz\); put the four IDX files of KMNIST/,
    );
  });
});

describe('EMNIST', () => {
  it('is turned when it is read: its files store images column by column', async () => {
    const folder = await temporaryFolder();
    await writeFiles(folder, renamed(asEmnist('balanced')));
    const { image, train, classes } = await openDataset({ name: 'emnist-balanced', folder });
    // 2 rows of 3 in the file, [0 1 2; 3 4 5], are 3 rows of 2 upright.
    expect(image).toEqual({ height: 3, width: 2, channels: 1 });
    expect([...train.pixels.subarray(0, 12)]).toEqual([0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]);
    expect([classes.length, classes[10], classes[35], classes[36], classes[46]]).toEqual([47, 'A', 'Z', 'a', 't']);
  });

  it('has letters whose labels begin at 1, and 0 is none', async () => {
    const folder = await temporaryFolder();
    const files = renamed(asEmnist('letters'), {
      ...tinyMnist(),
      'train-labels-idx1-ubyte': encodeIdx([4], Uint8Array.of(1, 26, 2, 1)),
      't10k-labels-idx1-ubyte': encodeIdx([2], Uint8Array.of(3, 26)),
    });
    await writeFiles(folder, files);
    const { train, test, classes } = await openDataset({ name: 'emnist-letters', folder });
    expect([...train.labels].map((label) => classes[label])).toEqual(['A', 'Z', 'B', 'A']);
    expect([...test.labels]).toEqual([2, 25]);
    await writeFiles(folder, { 'emnist-letters-test-labels-idx1-ubyte': encodeIdx([2], Uint8Array.of(3, 0)) });
    await expect(openDataset({ name: 'emnist-letters', folder })).rejects.toThrow(
      /test-labels-idx1-ubyte has label 0 at sample 1, expected 1 to 26/,
    );
  });

  it('does not take the files of MNIST, which are not to be turned', async () => {
    const folder = await temporaryFolder();
    await writeFiles(folder, tinyMnist());
    await expect(openDataset({ name: 'emnist-digits', folder })).rejects.toThrow(
      /emnist-digits-train-images-idx3-ubyte does not exist/,
    );
  });
});

describe('CIFAR-100', () => {
  const test = cifar100Rows([[0, 0]]);

  it('is read by its fine labels', async () => {
    const folder = await temporaryFolder();
    await writeFiles(folder, {
      'train.bin': cifar100Rows([
        [19, 99],
        [0, 3],
      ]),
      'test.bin': test,
    });
    const { image, train, classes } = await openDataset({ name: 'cifar100', folder });
    expect(image).toEqual({ height: 32, width: 32, channels: 3 });
    expect([...train.labels].map((label) => classes[label])).toEqual(['worm', 'bear']);
    const second = [...train.pixels.subarray(3_072, 3_078)];
    expect(second).toEqual([0, 1_024 % 251, 2_048 % 251, 1, 1_025 % 251, 2_049 % 251]);
    expect(await verifyDataset({ name: 'cifar100', folder })).toMatchObject({ ok: true });
  });

  it.each([
    [cifar100Rows([[0, 100]]), /train\.bin has label 100 at row 0, expected 0 to 99/],
    [
      cifar100Rows([
        [0, 1],
        [20, 1],
      ]),
      /train\.bin has coarse label 20 at row 1, expected 0 to 19/,
    ],
    [new Uint8Array(3_073), /train\.bin has 3073 bytes, expected a positive multiple of 3074/],
  ])('is refused when a row is wrong (%#)', async (train, expected) => {
    const folder = await temporaryFolder();
    await writeFiles(folder, { 'train.bin': train, 'test.bin': test });
    await expect(openDataset({ name: 'cifar100', folder })).rejects.toThrow(expected);
  });

  it('says which files it wants', async () => {
    const folder = await temporaryFolder();
    await writeFiles(folder, { 'test.bin': test });
    await expect(openDataset({ name: 'cifar100', folder })).rejects.toThrow(
      /train\.bin does not exist \(nor .*train\.bin\.gz\); put train\.bin and test\.bin there$/,
    );
  });
});
