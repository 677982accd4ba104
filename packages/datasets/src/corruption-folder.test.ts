import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { countingBytes, temporaryFolder, writeFiles } from '../test/fixtures.js';
import { encodeNpy } from '../test/npy.js';
import { openCorruptionFolder } from './corruption-folder.js';

const expected = { image: { height: 2, width: 3, channels: 1 }, classes: 10 };

/** CIFAR-10-C in small: two corruptions of five severities with two grey images of 2 x 3 each. */
async function flatFolder(files: Record<string, Buffer> = {}): Promise<string> {
  const folder = await temporaryFolder();
  await writeFiles(folder, {
    'snow.npy': encodeNpy([10, 2, 3, 1], countingBytes(60)),
    'fog.npy': encodeNpy([10, 2, 3, 1], countingBytes(60).reverse()),
    'labels.npy': encodeNpy([10], Uint8Array.of(4, 7, 4, 7, 4, 7, 4, 7, 4, 7)),
    ...files,
  });
  return folder;
}

describe('a folder of corruptions', () => {
  it("in CIFAR-10-C's layout has a file for each corruption, and its five severities one after the other", async () => {
    const found = await openCorruptionFolder(await flatFolder(), expected);
    expect(found.names).toEqual(['fog', 'snow']);
    const splits = await found.read('snow');
    expect(splits.map(({ count, labels }) => [count, [...labels]])).toEqual(Array(5).fill([2, [4, 7]]));
    expect(splits.map(({ pixels }) => pixels[0])).toEqual([0, 12, 24, 36, 48]);
  });

  it("in MNIST-C's layout has a folder for each corruption, of one severity, and leaves out the clean images", async () => {
    const folder = await temporaryFolder();
    for (const name of ['zigzag', 'identity']) {
      await mkdir(join(folder, name));
      await writeFiles(join(folder, name), {
        'test_images.npy': encodeNpy([3, 2, 3, 1], countingBytes(18)),
        'test_labels.npy': encodeNpy([3], Uint8Array.of(1, 2, 3)),
      });
    }
    const found = await openCorruptionFolder(folder, expected);
    expect(found.names).toEqual(['zigzag']);
    expect(await found.read('zigzag')).toEqual([
      { count: 3, pixels: countingBytes(18), labels: Uint8Array.of(1, 2, 3) },
    ]);
  });
});

test('refuses a folder that is not there, and one without .npy files', async () => {
  await expect(openCorruptionFolder('/nowhere', expected)).rejects.toThrow('there is no folder /nowhere; expected');
  const folder = await temporaryFolder();
  await expect(openCorruptionFolder(folder, expected)).rejects.toThrow(
    `${folder} holds no corruptions; expected NAME.npy files and labels.npy (CIFAR-10-C), or NAME/test_images.npy and NAME/test_labels.npy (MNIST-C)`,
  );
});

test.each<[string, Record<string, Buffer>, string]>([
  [
    'images of another shape',
    { 'snow.npy': encodeNpy([10, 3, 2, 1], countingBytes(60)) },
    'snow.npy has shape [10, 3, 2, 1], expected [count, 2, 3, 1]',
  ],
  [
    'images that five severities do not share',
    { 'snow.npy': encodeNpy([9, 2, 3, 1], countingBytes(54)) },
    'snow.npy has 9 images, expected a multiple of 5',
  ],
  [
    'labels of another number',
    { 'labels.npy': encodeNpy([9], new Uint8Array(9)) },
    'labels.npy has shape [9], expected [10]',
  ],
  [
    'a label that is no class',
    { 'labels.npy': encodeNpy([10], new Uint8Array(10).fill(10)) },
    'labels.npy has label 10 at sample 0, expected 0 to 9',
  ],
])('refuses %s', async (_, files, problem) => {
  const found = await openCorruptionFolder(await flatFolder(files), expected);
  await expect(found.read('snow')).rejects.toThrow(problem);
});
