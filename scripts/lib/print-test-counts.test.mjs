import { expect, test } from 'vitest';
import { countTests, failedTests, sumCounts } from './print-test-counts.mjs';

test('counts a file that broke before its first test as one failure', () => {
  const report = {
    numPassedTests: 3,
    numFailedTests: 1,
    numPendingTests: 2,
    numTodoTests: 1,
    testResults: [
      { status: 'failed', assertionResults: [] },
      { status: 'failed', assertionResults: [{ status: 'failed' }] },
      { status: 'passed', assertionResults: [{ status: 'passed' }] },
    ],
  };
  expect(countTests(report)).toEqual({ passed: 3, failed: 2, skipped: 3 });
});

test('adds up reports', () => {
  const counts = [
    { passed: 3, failed: 0, skipped: 1 },
    { passed: 4, failed: 2, skipped: 0 },
  ];
  expect(sumCounts(counts)).toEqual({ passed: 7, failed: 2, skipped: 1 });
});

test('names what failed', () => {
  const failed = {
    fullName: 'a coordinator hands over',
    status: 'failed',
    failureMessages: ['Error: gone\n  at x.ts:1'],
  };
  const report = {
    testResults: [
      { name: `${process.cwd()}/test/a.test.ts`, status: 'failed', assertionResults: [{ status: 'passed' }, failed] },
      { name: `${process.cwd()}/test/b.test.ts`, status: 'failed', message: 'no such module\n', assertionResults: [] },
      {
        name: `${process.cwd()}/test/c.test.ts`,
        status: 'passed',
        message: '',
        assertionResults: [{ status: 'passed' }],
      },
    ],
  };
  expect(failedTests(report)).toEqual([
    'failed: test/a.test.ts > a coordinator hands over: Error: gone',
    'failed: test/b.test.ts: no such module',
  ]);
});
