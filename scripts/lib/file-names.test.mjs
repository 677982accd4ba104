import { expect, test } from 'vitest';
import { describeBadName } from './file-names.mjs';

test.each(['train-loop.ts', 'train-loop.test.ts', 'eslint.config.mjs', 'README.md', 'cifar10.ts'])(
  'accepts %s',
  (name) => {
    expect(describeBadName(name)).toBeUndefined();
  },
);

test.each([
  ['utils.ts', '"utils" says nothing; name the file for what it holds'],
  ['session-manager.ts', '"manager" says nothing; name the file for what it holds'],
  ['trainLoop.ts', 'expected kebab-case'],
])('refuses %s', (name, problem) => {
  expect(describeBadName(name)).toBe(problem);
});
