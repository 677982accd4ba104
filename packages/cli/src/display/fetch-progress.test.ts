import { expect, test } from 'vitest';
import type { FetchProgress } from '@facet/datasets';
import { describeProgress } from './fetch-progress.js';

test.each<[FetchProgress, string]>([
  [{ kind: 'trying', source: 'the archive' }, 'fetching from the archive'],
  [
    { kind: 'downloading', source: 'the archive', doneBytes: 85_249_035, totalBytes: 170_498_071 },
    'downloading: 85.2 MB of 170.5 MB (50.0 %)',
  ],
  [{ kind: 'downloading', source: 'npm', doneBytes: 1_048_576, totalBytes: null }, 'downloading: 1.0 MB'],
  [{ kind: 'converting', source: 'npm', doneFiles: 2, totalFiles: 6 }, 'converting: 2 of 6 files'],
  [{ kind: 'failed', source: 'the archive', reason: 'HTTP 503' }, 'the archive failed: HTTP 503'],
  [{ kind: 'ready', folder: '/cache/cifar10' }, 'ready and verified in /cache/cifar10'],
])('says %j', (progress, line) => {
  expect(describeProgress(progress)).toBe(line);
});
