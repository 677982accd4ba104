/** Sources of arrays. Every type, and both kinds of archives, are compared with NumPy's own files in reference/arrays.test.ts. */
import { appendFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { countingBytes, temporaryFolder } from '../../test/fixtures.js';
import { encodeNpy } from '../../test/npy.js';
import { describeSource } from '../../test/source-contract.js';
import { arrays, type ArraysOptions } from './arrays.js';

/** Images of 2x3 bytes that count on, and labels of 64 bits. */
async function writeArrays(
  folder: string,
  prefix: string,
  labels: readonly number[],
  first = 0,
): Promise<Record<string, string>> {
  const images = countingBytes(labels.length * 6).map((byte) => byte + first);
  const paths = { image: join(folder, `${prefix}-x.npy`), label: join(folder, `${prefix}-y.npy`) };
  await writeFile(paths.image, encodeNpy([labels.length, 2, 3], images));
  const wide = BigInt64Array.from(labels, BigInt);
  await writeFile(paths.label, encodeNpy([labels.length], new Uint8Array(wide.buffer), { type: '<i8' }));
  return paths;
}

async function digits(folder: string, change = 0): Promise<ArraysOptions> {
  return {
    train: await writeArrays(folder, 'train', [0, 2, 1, 1, change]),
    test: await writeArrays(folder, 'test', [1, 0], 100),
    classes: ['zero', 'one', 'two'],
  };
}

describeSource('arrays with a test split', {
  make: async (folder, content) => arrays(await digits(folder, content === 'usual' ? 0 : 2)),
});

describeSource('arrays that are shared out', {
  make: async (folder, content) => {
    const labels = Array.from({ length: 40 }, (_, i) => (i === 7 && content === 'other' ? 3 : i % 3));
    return arrays({ train: await writeArrays(folder, 'all', labels), testShare: 0.25 });
  },
});

describe('arrays', () => {
  it('are one row for every sample', async () => {
    const source = await arrays(await digits(await temporaryFolder()));
    expect(source.fields).toEqual({ image: { shape: [2, 3], type: 'uint8' }, label: { shape: [], type: 'int32' } });
    expect(await source.read('test', [1, 0])).toEqual({
      image: Uint8Array.of(106, 107, 108, 109, 110, 111, 100, 101, 102, 103, 104, 105),
      label: Int32Array.of(0, 1),
    });
  });

  it('are shared out so that rows which are added later move no other', async () => {
    const folder = await temporaryFolder();
    const shared = async (rows: number): Promise<[train: number[], test: number[]]> => {
      const labels = Array.from({ length: rows }, (_, i) => i);
      const source = await arrays({ train: await writeArrays(folder, String(rows), labels) });
      const read = async (split: 'train' | 'test'): Promise<number[]> => {
        const ids = Array.from({ length: source.length(split) }, (_, id) => id);
        return [...(await source.read(split, ids))['label']!];
      };
      return [await read('train'), await read('test')];
    };
    const [train, test] = await shared(2_000);
    expect(test.length).toBeGreaterThan(150);
    expect(test.length).toBeLessThan(250);
    expect([...train, ...test].sort((a, b) => a - b)).toEqual(Array.from({ length: 2_000 }, (_, i) => i));
    const [moreTrain, moreTest] = await shared(3_000);
    expect(moreTrain.slice(0, train.length)).toEqual(train);
    expect(moreTest.slice(0, test.length)).toEqual(test);
  });

  it('are read from disk again and again, and refused once the file changed', async () => {
    const folder = await temporaryFolder();
    const options = await digits(folder);
    const source = await arrays(options);
    await appendFile(join(folder, 'train-x.npy'), 'x');
    await expect(source.read('train', [0])).rejects.toThrow(
      /train-x\.npy changed since it was opened \(159 bytes .*, expected 158 bytes/,
    );
    await expect(source.read('test', [0])).resolves.toBeDefined();
    await truncate(join(folder, 'test-x.npy'), 130);
    await expect(source.read('test', [0])).rejects.toThrow('test-x.npy changed since it was opened');
  });

  it.each<[string, (folder: string) => Promise<ArraysOptions>, string]>([
    [
      'of different lengths',
      async (folder) => ({
        train: {
          x: (await writeArrays(folder, 'a', [0, 1]))['image']!,
          y: (await writeArrays(folder, 'b', [0, 1, 2]))['label']!,
        },
      }),
      "arrays: field 'y' of train has 3 samples, expected 2 as field 'x'",
    ],
    [
      'of other fields in the test split',
      async (folder) => {
        const { train } = await digits(folder);
        return { train, test: { image: (await writeArrays(folder, 'c', [1]))['label']! } };
      },
      "arrays: field 'image' of test is int32 [], expected uint8 [2, 3] as in train",
    ],
    [
      'with a label that has no class',
      async (folder) => ({ ...(await digits(folder)), classes: ['zero', 'one'] }),
      'arrays: sample 1 has label 2, expected 0 to 1 for 2 classes',
    ],
    [
      'with classes and no label',
      async (folder) => ({ train: { x: (await writeArrays(folder, 'd', [0]))['image']! }, classes: ['a'] }),
      "arrays: there are classes, but field 'label' is absent, expected one whole number per sample",
    ],
    [
      'without samples',
      async (folder) => ({ train: await writeArrays(folder, 'e', []) }),
      'arrays: train has 0 samples, expected at least one',
    ],
    [
      'with a share that is none',
      async (folder) => ({ train: (await digits(folder)).train, testShare: 10 }),
      'arrays: testShare is 10, expected a share from 0 to below 1, such as 0.1',
    ],
    [
      'with a share and a test split',
      async (folder) => ({ ...(await digits(folder)), testShare: 0.1 }),
      'arrays: there are both test and testShare, expected one of them',
    ],
    [
      'in no file',
      (folder) => Promise.resolve({ train: { x: join(folder, 'x.npy') } }),
      'x.npy cannot be read: there is no such file',
    ],
    ['without a field', (folder) => Promise.resolve({ train: join(folder, 'x.npy') }), 'give it as { field: file }'],
    ['in a folder', (folder) => Promise.resolve({ train: { x: folder } }), 'it is a folder, expected a regular file'],
  ])('%s are refused', async (_, options, problem) => {
    await expect(options(await temporaryFolder()).then(arrays)).rejects.toThrow(problem);
  });

  it('that are no archive are refused', async () => {
    const file = join(await temporaryFolder(), 'a.npz');
    await writeFile(file, 'PK and nothing else, which is long enough');
    await expect(arrays({ train: file })).rejects.toThrow(`${file} has no directory at its end`);
  });
});
