import { expect, test } from 'vitest';
import { formatBar, formatBytes, formatCount, formatPercent, formatSeconds } from './format.js';

test.each([
  [0, '0'],
  [3.14159, '3.1'],
  [9, '9'],
  [12.6, '13'],
  [1_234_567, '1,234,567'],
  [Number.NaN, '-'],
])('counts %d as %s', (value, text) => {
  expect(formatCount(value)).toBe(text);
});

test.each([
  [0.04, '0.0 s'],
  [59.94, '59.9 s'],
  [61, '1:01'],
  [3_661, '1:01:01'],
  [Number.POSITIVE_INFINITY, '-'],
])('says %d seconds as %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test.each([
  [999, '999 B'],
  [60_008, '60.0 kB'],
  [999_600, '1.0 MB'],
  [170_498_071, '170.5 MB'],
])('says %d bytes as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [-1, '░░░░'],
  [0, '░░░░'],
  [0.5, '██░░'],
  [1, '████'],
  [7, '████'],
])('draws a share of %d as %s', (share, bar) => {
  expect(formatBar(share, 4)).toBe(bar);
});

test('says a fraction as a percentage', () => {
  expect(formatPercent(0.9342)).toBe('93.4 %');
});
