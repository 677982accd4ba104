import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hashCode, ourPackages, readCodeVersion, readPackageVersion } from './code-version.js';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-code-'));
  for (const name of ['a', 'b/deep']) await mkdir(path.join(folder, name), { recursive: true });
  await writeFile(path.join(folder, 'a', 'x.js'), 'one');
  await writeFile(path.join(folder, 'b', 'deep', 'y.js'), 'two');
});

afterEach(() => rm(folder, { recursive: true }));

const folders = () => ['a', 'b'].map((name) => ({ name, folder: path.join(folder, name) }));

test('is the same for the same code, in whatever order packages are given', async () => {
  const hash = await hashCode(folders());
  expect(hash).toMatch(/^[0-9a-f]{12}$/);
  expect(await hashCode(folders().reverse())).toBe(hash);
});

test('changes with any compiled file, its name or a new one, and with nothing else', async () => {
  const before = await hashCode(folders());
  await writeFile(path.join(folder, 'a', 'x.d.ts'), 'types');
  await writeFile(path.join(folder, 'a', 'x.js.map'), 'map');
  expect(await hashCode(folders())).toBe(before);
  await writeFile(path.join(folder, 'a', 'x.js'), 'one!');
  const changed = await hashCode(folders());
  await writeFile(path.join(folder, 'a', 'z.js'), '');
  expect(new Set([before, changed, await hashCode(folders())]).size).toBe(3);
});

test('can be set by FACET_CODE_VERSION', async () => {
  expect(await readCodeVersion({ FACET_CODE_VERSION: '9.9.9+test' })).toBe('9.9.9+test');
  expect(await readPackageVersion()).toMatch(/^\d+\.\d+\.\d+/);
});

test('covers the compiled files of every package that decides what is trained', async () => {
  const found = await ourPackages();
  expect(found.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['shared', 'proto', 'compiler', 'collective', 'task', 'coordinator', 'worker']),
  );
  for (const { name, folder: dist } of found) expect(path.relative('packages', dist)).toBe(path.join(name, 'dist'));
});
