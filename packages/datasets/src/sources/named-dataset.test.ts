import { expect, it } from 'vitest';
import { encodeIdx, temporaryFolder, tinyMnist, writeFiles } from '../../test/fixtures.js';
import { describeSource } from '../../test/source-contract.js';
import { openDataset } from '../open.js';
import { dataset } from './dataset-source.js';

describeSource('a known dataset', {
  make: async (folder, content) => {
    const labels = encodeIdx([2], Uint8Array.of(3, content === 'usual' ? 4 : 5));
    await writeFiles(folder, { ...tinyMnist(), 't10k-labels-idx1-ubyte': labels });
    return dataset({ name: 'fashion-mnist', folder });
  },
});

it('a known dataset has the samples that training on it by name has', async () => {
  const folder = await temporaryFolder();
  await writeFiles(folder, tinyMnist());
  const expected = await openDataset({ name: 'kmnist', folder });
  const source = await dataset({ name: 'kmnist', folder });
  expect(source.fields).toEqual({ label: { shape: [], type: 'uint8' }, image: { shape: [2, 3, 1], type: 'uint8' } });
  expect(source.classes).toEqual(expected.classes);
  const { image, label } = await source.read('train', [0, 1, 2, 3]);
  expect(image).toEqual(expected.train.pixels);
  expect([...label!]).toEqual([...expected.train.labels]);
  expect((await source.read('test', [1]))['image']).toEqual(expected.test.pixels.subarray(6));
});
