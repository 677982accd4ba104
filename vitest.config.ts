/**
 * Two projects. "unit" holds the tests beside the sources and those in reference/. "process" holds those under test/, which
 * start brokers, workers and browsers of their own and therefore run one file at a time, after the unit tests. There are no
 * retries: a test that fails now and then is a bug. FACET_TEST_REPORT names a file for vitest's JSON report (used by .ci/run).
 */

import { defineConfig } from 'vitest/config';

const reportFile = process.env['FACET_TEST_REPORT'];

export default defineConfig({
  test: {
    reporters: [
      'default',
      './scripts/lib/skipped-reporter.mjs',
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
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'process',
          include: ['test/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
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
