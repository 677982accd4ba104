import { describe, expect, test } from 'vitest';
import { isInRange, isToolNode, requireNode } from './node-version.mjs';

describe('isInRange', () => {
  const tools = '^20.19.0 || >=22.12.0';
  test.each([
    ['20.19.0', tools, true],
    ['20.18.3', tools, false],
    ['21.9.0', tools, false],
    ['22.11.0', tools, false],
    ['22.12.0', tools, true],
    ['24.0.0', tools, true],
    ['20.15.0', '>=20.15', true],
    ['20.9.0', '>=20.15', false],
    ['18.20.0', '>= 10', true],
    ['20.15.0', undefined, true],
    ['20.15.0', '18 || 20', true],
  ])('of %s in %s is %s', (version, range, expected) => {
    expect(isInRange(version, range)).toBe(expected);
  });
});

test('names the version that is needed and the one that runs', () => {
  expect(() => requireNode({ version: '18.19.1' })).toThrow(/^Facet needs Node\.js >=20\.15; this is 18\.19\.1 \(/);
  expect(() => requireNode({ version: '20.15.0', forTools: true })).toThrow(
    'need Node.js ^20.19.0 || >=22.12.0; this is',
  );
  expect(() => requireNode({ version: '20.15.0' })).not.toThrow();
});

test('knows the versions that tools run on', () => {
  expect(['20.15.0', '20.19.0', '24.1.0'].map(isToolNode)).toEqual([false, true, true]);
});
