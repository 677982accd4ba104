/** Variables with our prefix that are spelled nearly like one of ours are refused, so everything that we read must be known. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { readEnvironment } from './environment.js';

const ROOT = path.resolve(import.meta.dirname, '../../../..');

const SOURCES = ['packages', 'scripts', 'bench', 'test', 'reference'];
const READS = /\benv(?:\.|\[['"])(FACET_[A-Z0-9_]+)/g;

function variablesIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter(
      ({ name, parentPath }) => /\.m?ts$|\.mjs$/.test(name) && !/node_modules|[\\/]dist(?:[\\/]|$)/.test(parentPath),
    )
    .flatMap(({ name, parentPath }) => [...readFileSync(path.join(parentPath, name), 'utf8').matchAll(READS)])
    .map(([, variable]) => variable!);
}

test('no variable that the sources read is taken for a mistyped one', () => {
  const read = new Set(SOURCES.flatMap(variablesIn));
  expect(read.size).toBeGreaterThan(8);
  expect(read).toContain('FACET_PYTHON');
  for (const variable of read) expect(readEnvironment({ [variable]: '1' }).problems, variable).toEqual([]);
});
