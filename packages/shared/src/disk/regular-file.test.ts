import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readRegularFile, readRegularText } from './regular-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-regular-'));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string): string => path.join(folder, name);

it('reads a file, also through a link and with nothing in it', async () => {
  await writeFile(at('file'), 'ä');
  await symlink(at('file'), at('link'));
  expect(await readRegularText(at('link'), 2)).toBe('ä');
  await writeFile(at('empty'), '');
  expect(await readRegularFile(at('empty'), 0)).toEqual(new Uint8Array(0));
});

it('refuses one that is too long, before it is read', async () => {
  await writeFile(at('file'), 'abc');
  await expect(readRegularFile(at('file'), 2)).rejects.toThrow('it has 3 bytes, expected at most 2');
});

it('refuses a folder', async () => {
  await expect(readRegularFile(folder, 10)).rejects.toThrow('it is a folder, expected a regular file');
});

it('keeps the code of the system', async () => {
  await expect(readRegularFile(at('none'), 10)).rejects.toMatchObject({ code: 'ENOENT' });
});

it.skipIf(process.platform === 'win32')('refuses a pipe that nobody writes to, at once', async () => {
  execFileSync('mkfifo', [at('pipe')]);
  await expect(readRegularFile(at('pipe'), 10)).rejects.toThrow('it is a pipe, expected a regular file');
});

it.skipIf(!existsSync('/dev/zero'))('refuses a device without end', async () => {
  await expect(readRegularFile('/dev/zero', 10)).rejects.toThrow('it is a device, expected a regular file');
});
