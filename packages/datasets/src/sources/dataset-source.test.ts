import { describe, expect, it } from 'vitest';
import { datasetSource } from './dataset-source.js';

const image = { height: 2, width: 1, channels: 3 };
const split = (count: number, shift: number) => ({
  count,
  labels: Uint8Array.from({ length: count }, (_, id) => (id + shift) % 2),
  pixels: Uint8Array.from({ length: 6 * count }, (_, at) => at + shift),
});
const source = datasetSource({
  ...{ name: 'mnist', image, classes: ['even', 'odd'], sha256: 'ab'.repeat(32) },
  ...{ train: split(4, 0), test: split(2, 100) },
});

describe('a dataset as a source of samples', () => {
  it('says what it holds', () => {
    expect(source).toMatchObject({ name: 'mnist', classes: ['even', 'odd'], digest: 'ab'.repeat(32) });
    expect(Object.entries(source.fields)).toEqual([
      ['label', { shape: [], type: 'uint8' }],
      ['image', { shape: [2, 1, 3], type: 'uint8' }],
    ]);
    expect([source.length('train'), source.length('test')]).toEqual([4, 2]);
  });

  it('reads samples in the order of their ids, of the split that is asked for', async () => {
    expect(await source.read('train', Uint32Array.of(2, 0))).toEqual({
      label: Uint8Array.of(0, 0),
      image: Uint8Array.of(12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5),
    });
    expect(await source.read('test', Uint32Array.of(1))).toEqual({
      label: Uint8Array.of(1),
      image: Uint8Array.of(106, 107, 108, 109, 110, 111),
    });
  });

  it('refuses an id that the split does not have, as a rejection', async () => {
    await expect(async () => source.read('test', Uint32Array.of(2))).rejects.toMatchObject({ code: 'SHARD_INVALID' });
  });
});
