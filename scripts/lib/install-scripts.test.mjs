import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findInstallScripts } from './install-scripts.mjs';

let root;
let locked;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'facet-install-scripts-'));
  locked = {};
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function addPackage(name, manifest, { entry = {}, files = [] } = {}) {
  const folder = path.join(root, 'node_modules', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name, ...manifest }));
  for (const file of files) writeFileSync(path.join(folder, file), '');
  locked[`node_modules/${name}`] = { version: '1.0.0', ...entry };
}

function problems(harmless = {}) {
  writeFileSync(path.join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...locked } }));
  return findInstallScripts(root, harmless);
}

test('accepts packages without an install script, whatever other scripts they have', () => {
  addPackage('plain', { scripts: { test: 'x', prepare: 'y' } });
  expect(problems()).toEqual([]);
});

test('names the package and its script', () => {
  addPackage('fetcher', { scripts: { postinstall: 'node fetch.js' } });
  expect(problems()).toEqual(['node_modules/fetcher: postinstall: node fetch.js']);
});

test('counts what npm would compile as an install script', () => {
  addPackage('native', {}, { files: ['binding.gyp'] });
  addPackage('prebuilt', { gypfile: false }, { files: ['binding.gyp'] });
  expect(problems()).toEqual(['node_modules/native: is compiled with node-gyp']);
});

test('leaves development dependencies and judged packages alone', () => {
  addPackage('tool', { scripts: { install: 'x' } }, { entry: { dev: true } });
  addPackage('judged', { scripts: { install: 'x' } });
  expect(problems({ judged: 'prints a message' })).toEqual([]);
});

test("believes the lock file about another platform's package", () => {
  locked['node_modules/elsewhere'] = { version: '1.0.0', optional: true, hasInstallScript: true };
  expect(problems()).toEqual(['node_modules/elsewhere: has an install script']);
});
