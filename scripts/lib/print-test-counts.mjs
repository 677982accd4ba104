// Prints what failed, and `N passed, N failed, N skipped`, from the vitest JSON reports that the arguments name, together. Exits
// with 1 when something failed, when no test ran, or when a report is missing (the tests never started).

import { readFileSync } from 'node:fs';
import path from 'node:path';

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

/** What failed, a line each: file, test and the first line of its error. */
export function failedTests(report) {
  return report.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    const lines = failed.map(({ fullName, failureMessages }) =>
      failedLine(`${name} > ${fullName}`, failureMessages[0]),
    );
    return status === 'failed' && lines.length === 0 ? [failedLine(name, message)] : lines;
  });
}

function failedLine(name, message = '') {
  const [first] = message.split('\n');
  return `failed: ${path.relative(process.cwd(), name)}: ${first}`;
}

/** The counts of several reports together. */
export function sumCounts(counts) {
  const sum = (key) => counts.reduce((total, each) => total + each[key], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

if (process.argv[1] === import.meta.filename) {
  const counts = process.argv.slice(2).flatMap((file) => {
    try {
      const report = JSON.parse(readFileSync(file, 'utf8'));
      for (const line of failedTests(report)) console.log(line);
      return [countTests(report)];
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
