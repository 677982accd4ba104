/** docs/operations.md against the code that it describes, as far as that can be read without a run. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ENVIRONMENT_VARIABLES } from '@facet/shared';
import { DEPLOY, ROOT } from './repository.js';

const text = readFileSync(path.join(ROOT, 'docs/operations.md'), 'utf8');

/** The first two cells of every table row whose first cell matches. */
function rows(first: RegExp): readonly (readonly [string, string])[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .filter(([, cell = '']) => first.test(cell))
    .map(([, name = '', value = '']) => [name, value] as const);
}

describe('docs/operations.md', () => {
  test('explains every error code and no other', () => {
    const source = readFileSync(path.join(ROOT, 'packages/shared/src/errors.ts'), 'utf8');
    const lists = [...source.matchAll(/const \w+_CODES = \[(.*?)\] as const;/gs)].map(([, list = '']) => list);
    const codes = lists.flatMap((list) => [...list.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code));
    expect(codes.length).toBeGreaterThan(20);
    const explained = rows(/^(?!FACET_)[A-Z]+(_[A-Z]+)*$/).map(([code]) => code);
    expect(explained.sort()).toEqual(codes.sort());
  });

  test('lists every environment variable that sets a key', () => {
    const expected = ENVIRONMENT_VARIABLES.map(({ variable, key }) => [variable, key]);
    expect(rows(/^FACET_/)).toEqual(expected);
  });

  test('names every phase', () => {
    const source = readFileSync(path.join(ROOT, 'packages/coordinator/src/metrics/metrics.ts'), 'utf8');
    const list = /const STATUS_PHASES = \[(.*?)\] as const;/s.exec(source)![1]!;
    const phases = [...list.matchAll(/'([a-z-]+)'/g)].map(([, phase]) => phase);
    expect(text).toContain(`0 for the others: ${phases.join(', ')}`);
  });

  test('says what to do about every alert', () => {
    const rules = readFileSync(path.join(DEPLOY, 'prometheus/alerts.yml'), 'utf8');
    const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
    expect(rows(/^Facet[A-Z]/).map(([name]) => name)).toEqual(alerts);
  });
});
