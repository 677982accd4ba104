// Prints `N passed, N failed, N skipped` from the vitest JSON reports that the arguments name, together. Exits with 1 when
// something failed, when no test ran, or when a report is missing (the tests never started).

import { readFileSync } from 'node:fs';

/** Counts a report's tests; a file that broke before its first test counts as one failure. */
export function countTests(report) {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** The counts of several reports together. */
export function sumCounts(counts) {
  const sum = (key) => counts.reduce((total, each) => total + each[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

if (process.argv[1] === import.meta.filename) {
  const counts = process.argv.slice(2).flatMap((file) => {
    try {
      return [countTests(JSON.parse(readFileSync(file, 'utf8')))];
    } catch (error) {
      console.error(`There is no usable test report: ${error.message}`);
      process.exitCode = 1;
      return [];
    }
  });
  const { passed, failed, skipped } = sumCounts(counts);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}
