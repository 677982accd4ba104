/** The identity of a task's source: it follows what is written, not where it lies. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashSource } from './load-task.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-task-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function written(name: string, size: number, entry = 'task.mjs'): Promise<string> {
  await mkdir(path.join(folder, name, 'parts'), { recursive: true });
  await writeFile(path.join(folder, name, 'parts', 'size.mjs'), `export const size = ${size};\n`);
  const file = path.join(folder, name, entry);
  await writeFile(file, "import { size } from './parts/size.mjs';\nexport default size;\n");
  return file;
}

it('is the same in another folder and under another name', async () => {
  const one = await hashSource(await written('one', 3));
  expect(one).toMatch(/^[0-9a-f]{64}$/);
  expect(await hashSource(await written('other', 3, 'renamed.mjs'))).toBe(one);
});

it('is another one when a file that the module imports changes', async () => {
  expect(await hashSource(await written('changed', 4))).not.toBe(await hashSource(await written('one', 3)));
});
