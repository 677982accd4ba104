import { expect, test } from 'vitest';
import { count, flag, list, oneOf, optionalCount, parseOptions, text, UsageError } from './options.js';

const SPECS = {
  turns: count('', { default: 5, small: 1, least: 1 }),
  formats: list('', '', oneOf(['bf16', 'int8']), { default: [] }),
  seed: optionalCount('', { small: 3 }),
  only: text('TEXT', ''),
  tune: flag(''),
};
const DEFAULTS = { turns: 5, formats: [], seed: undefined, only: undefined, tune: false };

test('what is not typed has its default, in the small form that of the small form', () => {
  expect(parseOptions(SPECS, [])).toEqual({ isJson: false, isSmall: false, values: DEFAULTS });
  expect(parseOptions(SPECS, ['--small'])).toEqual({
    isJson: false,
    isSmall: true,
    values: { ...DEFAULTS, turns: 1, seed: 3 },
  });
});

test('what is typed counts, in the small form too', () => {
  const typed = ['--small', '--json', '--turns', '7', '--formats', 'int8,bf16', '--seed=0', '--only', 'x', '--tune'];
  expect(parseOptions(SPECS, typed)).toEqual({
    isJson: true,
    isSmall: true,
    values: { turns: 7, formats: ['int8', 'bf16'], seed: 0, only: 'x', tune: true },
  });
});

test.each([
  [['--turns', '0'], "--turns is '0', expected a whole number from 1"],
  [['--turns', '1.5'], "--turns is '1.5', expected a whole number from 1"],
  [['--turns', ''], "--turns is '', expected a whole number from 1"],
  [['--formats', 'bf16,fp8'], "--formats is 'bf16,fp8', expected one of bf16, int8"],
  [['--turn', '1'], "Unknown option '--turn'"],
  [['more'], 'Unexpected argument'],
])('%j is refused with what was expected', (args, message) => {
  expect(() => parseOptions(SPECS, args)).toThrow(UsageError);
  expect(() => parseOptions(SPECS, args)).toThrow(message);
});
