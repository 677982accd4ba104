/**
 * Five projects. There are no retries: a test that fails now and then is a bug. FACET_TEST_REPORT names a file for vitest's
 * JSON report (used by .ci/run).
 *
 * - "unit": tests beside the sources and those in reference/. Its files share a process and what it has loaded, which saves
 *   half a second of each. A test leaves nothing behind in that process.
 * - "alone": those that cannot share. They mock modules, an engine reads the environment once, or TensorFlow.js would be told
 *   of our backend twice, by src and by dist.
 * - "process": those under test/. They start brokers, workers and browsers. They run after the others, some of which have
 *   deadlines of a fraction of a second. A run waits for one process after the other to start, which leaves a core idle; so
 *   two files run at a time.
 * - "cluster": those under test/cluster. They start real sshd, Slurm, systemd, Docker Compose and Kubernetes, for
 *   `npm run test:cluster`.
 * - "long": `*.long.test.ts`, wherever they lie. Campaigns of minutes, one at a time, for `npm run test:long`.
 */

import { defineConfig } from 'vitest/config';

const reportFile = process.env['FACET_TEST_REPORT'];
const LONG = '**/*.long.test.ts';
const CLUSTER = '**/*.cluster.test.ts';
const ELSEWHERE = [LONG, CLUSTER, '**/node_modules/**'];

/** Tests that a process holds one file of. */
const ALONE = [
  'packages/compiler/src/**/*.test.ts',
  'packages/engine/src/**/*.test.ts',
  'packages/storage/src/checkpoint/checkpoint-disk.test.ts',
  'packages/storage/src/ledger/ledger-disk.test.ts',
  'packages/coordinator/src/run/full-disk.test.ts',
  'packages/datasets/src/sources/npy-column.test.ts',
  'packages/proto/src/channel-options.test.ts',
  'reference/model.test.ts',
];

export default defineConfig({
  test: {
    reporters: [
      'default',
      './scripts/lib/skipped-reporter.mjs',
      './scripts/lib/slowest-files.mjs',
      ...(reportFile ? [['json', { outputFile: reportFile }] as ['json', { outputFile: string }]] : []),
    ],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'bench/src/**/*.test.ts',
            'reference/*.test.ts',
            'scripts/**/*.test.mjs',
          ],
          exclude: [...ELSEWHERE, ...ALONE],
          isolate: false,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          exclude: ELSEWHERE,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'process',
          include: ['test/**/*.test.ts'],
          exclude: ELSEWHERE,
          maxWorkers: 2,
          // A command takes several times as long while two runs train beside it.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          include: [`packages/*/src/${LONG}`, `test/${LONG}`],
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'cluster',
          include: [`test/cluster/${CLUSTER}`],
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    retry: 0,
    passWithNoTests: false,
  },
});
