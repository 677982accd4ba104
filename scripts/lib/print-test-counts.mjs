// Prints `N passed, N failed, N skipped` from the vitest JSON report that the first argument names. Exits with 1 when
// something failed, when no test ran, or when there is no report (the tests never started).

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

if (process.argv[1] === import.meta.filename) {
  let counts = { passed: 0, failed: 0, skipped: 0 };
  try {
    counts = countTests(JSON.parse(readFileSync(process.argv[2], 'utf8')));
  } catch (error) {
    console.error(`There is no usable test report: ${error.message}`);
    process.exitCode = 1;
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1;
}
