import { describe, expect, test } from 'vitest';
import { isAccepted, requireNode } from './node-version.mjs';

describe('isAccepted', () => {
  const tools = [
    [20, 19],
    [22, 12],
  ];
  test.each([
    ['20.19.0', true],
    ['20.18.3', false],
    ['21.9.0', false],
    ['22.11.0', false],
    ['22.12.0', true],
    ['24.0.0', true],
    ['18.20.0', false],
  ])('of %s is %s', (version, expected) => {
    expect(isAccepted(version, tools)).toBe(expected);
  });
});

test('names the version that is needed and the one that runs', () => {
  expect(() => requireNode({ version: '18.19.1' })).toThrow(/needs Node\.js 20\.15 or newer; this is 18\.19\.1 \(/);
  expect(() => requireNode({ version: '20.15.0', forTools: true })).toThrow(/need Node\.js 20\.19 or 22\.12 or newer/);
  expect(() => requireNode({ version: '20.15.0' })).not.toThrow();
});
