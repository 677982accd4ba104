/** The tables of error codes in docs/operations.md say what `facet explain` says: both are the guide's words. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ERROR_GUIDE } from '@facet/shared';
import { ROOT } from './markdown.js';

test('the tables of error codes are those of the guide', () => {
  const page = readFileSync(path.join(ROOT, 'docs/operations.md'), 'utf8');
  const rows = page
    .slice(page.indexOf('## Error codes'))
    .split('\n')
    .flatMap((line) => {
      const [, code, meaning, advice] = /^\| `([A-Z_]+)` +\| (.*?) +\| (.*?) +\|$/.exec(line) ?? [];
      return code === undefined ? [] : [[code, { meaning, advice }] as const];
    });
  expect(Object.fromEntries(rows)).toEqual(ERROR_GUIDE);
});
