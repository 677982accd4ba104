import { existsSync } from 'node:fs';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder } from './make-folder.js';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'facet-folder-'));
});
afterEach(() => rm(root, { recursive: true }));

it('makes what is missing, says where it began, and takes what is there', async () => {
  expect(await makeFolder(join(root, 'a', 'b'), { mode: 0o700 })).toBe(join(root, 'a'));
  if (process.platform !== 'win32') expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o700);
  expect(await makeFolder(join(root, 'a', 'b'))).toBeUndefined();
});

it('is made once by many at a time', async () => {
  await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(root, 'a', 'b', 'c'))));
  expect((await stat(join(root, 'a', 'b', 'c'))).isDirectory()).toBe(true);
});

it('says that a file stands in the way', async () => {
  await writeFile(join(root, 'file'), '');
  await expect(makeFolder(join(root, 'file', 'b'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(makeFolder(join(root, 'file'))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

it.skipIf(!existsSync('/proc/self'))('ends where no folder can be made', async () => {
  await expect(makeFolder('/proc/facet/b')).rejects.toMatchObject({ code: 'ENOENT' });
});
