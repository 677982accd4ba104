import { expect, test } from 'vitest';
import { formatSeconds } from './say.mjs';

test.each([
  [40, '0.0 s'],
  [1_240, '1.2 s'],
  [31_400, '31 s'],
])('%d ms reads %s', (durationMs, expected) => {
  expect(formatSeconds(durationMs)).toBe(expected);
});
