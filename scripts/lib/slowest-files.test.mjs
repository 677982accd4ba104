import { expect, test } from 'vitest';
import { slowestFiles } from './slowest-files.mjs';

test('names the ten slowest of many, slowest first, and what all of them took', () => {
  const files = Array.from({ length: 12 }, (_, at) => ({ name: `file-${at}`, testsMs: at * 1_000, loadMs: 500 }));
  const lines = slowestFiles(files);
  expect(lines[0]).toBe('Slowest files (10 of 12), seconds and of these to load:');
  expect(lines[1]).toBe('   11.5     0.5  file-11');
  expect(lines[10]).toBe('    2.5     0.5  file-2');
  expect(lines.slice(11)).toEqual(['   72.0     6.0  all files']);
});

test('a file that is slow to load counts with what it took to load', () => {
  const lines = slowestFiles([
    { name: 'long tests', testsMs: 1_000, loadMs: 0 },
    { name: 'long to load', testsMs: 100, loadMs: 2_000 },
  ]);
  expect(lines.slice(1, 3)).toEqual(['    2.1     2.0  long to load', '    1.0     0.0  long tests']);
});
