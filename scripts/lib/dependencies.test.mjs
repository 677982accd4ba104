import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findStaleReason, npmCommand } from './dependencies.mjs';

let root;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'facet-dependencies-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const LOCKED = {
  '': { name: 'root' },
  'packages/a': { name: 'a', version: '1.0.0' },
  'node_modules/a': { resolved: 'packages/a', link: true },
  'node_modules/b': { version: '2.0.0', integrity: 'sha512-b' },
  'node_modules/other-platform': { version: '1.0.0', optional: true },
};

/** Writes the lock file and, if given, npm's record of what is installed. */
function layOut(installed, extra = {}) {
  writeFileSync(path.join(root, 'package-lock.json'), JSON.stringify({ packages: { ...LOCKED, ...extra } }));
  if (installed === undefined) return;
  mkdirSync(path.join(root, 'node_modules'), { recursive: true });
  writeFileSync(path.join(root, 'node_modules', '.package-lock.json'), JSON.stringify({ packages: installed }));
}

const { '': _root, 'packages/a': _workspace, 'node_modules/other-platform': _optional, ...installed } = LOCKED;

test('is content with what npm installed, less the other platforms', () => {
  layOut(installed);
  expect(findStaleReason(root)).toBeUndefined();
});

test('asks for an installation when there is none or it was interrupted', () => {
  layOut();
  expect(findStaleReason(root)).toBe('node_modules is missing or incomplete');
});

test('asks for a binary of this very machine that npm left out under another Node.js', () => {
  const binary = { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] };
  layOut(installed, { 'node_modules/fits': { ...binary, engines: { node: '>=20' } } });
  expect(findStaleReason(root)).toBe('node_modules/fits is not installed');
  layOut(installed, { 'node_modules/too-new': { ...binary, engines: { node: '>=99' } } });
  expect(findStaleReason(root)).toBeUndefined();
});

test('names the first package that differs', () => {
  layOut({ ...installed, 'node_modules/b': { version: '1.9.0', integrity: 'sha512-old' } });
  expect(findStaleReason(root)).toBe('node_modules/b is 1.9.0, expected 2.0.0');
});

test('notices a workspace that was added', () => {
  const { 'node_modules/a': _link, ...rest } = installed;
  layOut(rest);
  expect(findStaleReason(root)).toBe('node_modules/a is not installed');
});

test('uses the npm that started the script, and only npm', () => {
  const cli = path.join(root, 'npm-cli.js');
  writeFileSync(cli, '');
  expect(npmCommand({ npm_execpath: cli })).toEqual([process.execPath, cli]);
  expect(npmCommand({ npm_execpath: '/somewhere/yarn.js' })).toEqual(['npm']);
  expect(npmCommand({})).toEqual(['npm']);
});
