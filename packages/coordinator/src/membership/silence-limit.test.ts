import { expect, test } from 'vitest';
import { SilenceLimit } from './silence-limit.js';

test('is the least limit on a machine on which heartbeats come in time', () => {
  const silence = new SilenceLimit(1_800);
  for (let nowMs = 450; nowMs < 10_000; nowMs += 450) silence.note(450, nowMs);
  expect(silence.limitMs(10_000)).toBe(1_800);
});

test('grows with the longest silence from which a worker came back', () => {
  const silence = new SilenceLimit(1_800);
  silence.note(1_200, 1_000);
  expect(silence.limitMs(1_000)).toBe(2_400);
  silence.note(2_300, 4_000);
  silence.note(450, 5_000);
  expect(silence.limitMs(5_000)).toBe(4_600);
});

test('is bounded, so that a frozen worker is dropped all the same', () => {
  const silence = new SilenceLimit(1_800);
  silence.note(60_000, 1_000);
  expect(silence.limitMs(1_000)).toBe(5_400);
});

test('is what it was after one to two minutes without a long silence', () => {
  const silence = new SilenceLimit(1_800);
  silence.note(2_000, 50_000);
  expect(silence.limitMs(110_000)).toBe(4_000);
  expect(silence.limitMs(120_000)).toBe(1_800);
  silence.note(2_000, 130_000);
  expect(silence.limitMs(900_000)).toBe(1_800);
});
