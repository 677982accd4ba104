import { expect, test } from 'vitest';
import { findLockFileFaults } from './lock-file.mjs';

test('finds an optional dependency beside its parent and above it', () => {
  const packages = {
    '': { optionalDependencies: { top: '1' } },
    'node_modules/top': {},
    'node_modules/a': { optionalDependencies: { '@x/b': '1', top: '1' } },
    'node_modules/a/node_modules/@x/b': {},
  };
  expect(findLockFileFaults({ packages })).toEqual([]);
});

test('names a binary that is not locked', () => {
  const packages = { 'node_modules/a': { optionalDependencies: { '@x/darwin': '^1.2.0' } } };
  expect(findLockFileFaults({ packages })).toEqual(['node_modules/a wants @x/darwin ^1.2.0: not in the lock file']);
});

test('refuses the address of a registry but not a workspace', () => {
  const packages = {
    'node_modules/a': { resolved: 'https://registry.example/a.tgz' },
    'node_modules/w': { resolved: 'packages/w', link: true },
  };
  expect(findLockFileFaults({ packages })).toEqual([
    'node_modules/a names a registry; install with --omit-lockfile-registry-resolved',
  ]);
});
