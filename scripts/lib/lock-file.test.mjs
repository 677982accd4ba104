import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { findLockFileFaults } from './lock-file.mjs';
import { ROOT } from './repository.mjs';

const integrity = `sha512-${Buffer.alloc(64, 1).toString('base64')}`;

test('finds an optional dependency beside its parent and above it', () => {
  const packages = {
    '': { optionalDependencies: { top: '1' } },
    'node_modules/top': { integrity },
    'node_modules/a': { integrity, optionalDependencies: { '@x/b': '1', top: '1' } },
    'node_modules/a/node_modules/@x/b': { integrity },
  };
  expect(findLockFileFaults({ packages })).toEqual([]);
});

test('names a binary that is not locked', () => {
  const packages = { 'node_modules/a': { integrity, optionalDependencies: { '@x/darwin': '^1.2.0' } } };
  expect(findLockFileFaults({ packages })).toEqual(['node_modules/a wants @x/darwin ^1.2.0: not in the lock file']);
});

test('refuses the address of a registry but not a workspace', () => {
  const packages = {
    'node_modules/a': { integrity, resolved: 'https://registry.example/a.tgz' },
    'node_modules/w': { resolved: 'packages/w', link: true },
  };
  expect(findLockFileFaults({ packages })).toEqual([
    'node_modules/a names a registry; install with --omit-lockfile-registry-resolved',
  ]);
});

test('refuses a package without a SHA-512, but asks none of workspaces', () => {
  const packages = {
    '': {},
    'packages/w': {},
    'node_modules/w': { resolved: 'packages/w', link: true },
    'node_modules/none': {},
    'node_modules/a/node_modules/weak': { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
    'packages/w/node_modules/cut': { integrity: integrity.slice(0, -4) },
    'node_modules/good': { integrity },
  };
  const faults = findLockFileFaults({ packages });
  expect(faults.map((fault) => fault.slice(0, fault.indexOf(' ')))).toEqual([
    'node_modules/none',
    'node_modules/a/node_modules/weak',
    'packages/w/node_modules/cut',
  ]);
  expect(faults[0]).toContain('has integrity missing, expected sha512-');
});

test('finds no fault in the lock file of the project', () => {
  expect(findLockFileFaults(JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')))).toEqual([]);
});
