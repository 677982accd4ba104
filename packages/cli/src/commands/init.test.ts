/** That the written task trains is shown with the packed package (test/package). */
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadTask } from '@facet/task/data';
import { runInProcess, type CliEnd } from '../../test/run-cli.js';

let folder = '';

beforeEach(async () => {
  folder = await realpath(await mkdtemp(path.join(tmpdir(), 'facet-init-')));
});

afterEach(() => rm(folder, { recursive: true }));

const init = (name: string, ...flags: readonly string[]): Promise<CliEnd> =>
  runInProcess(['init', path.join(folder, name), ...flags], {});

it('writes all that it takes to train, into folders that do not exist yet', async () => {
  const { code, stdout } = await init('new/My Task', '--json');
  expect(code).toBe(0);
  const written = JSON.parse(stdout) as { folder: string; files: string[]; next: string[] };
  expect(written.folder).toBe(path.join(folder, 'new', 'My Task'));
  expect((await readdir(written.folder)).toSorted()).toEqual(written.files.toSorted());
  expect(written.files.toSorted()).toEqual(['.gitignore', 'README.md', 'facet.yaml', 'package.json', 'task.mjs']);
  expect(written.next.at(-1)).toBe('npx facet up --config facet.yaml');
  expect(written.next).toContain(`cd '${written.folder}'`);
  const manifest: unknown = JSON.parse(await readFile(path.join(written.folder, 'package.json'), 'utf8'));
  expect(manifest).toMatchObject({
    name: 'my-task',
    private: true,
    type: 'module',
    dependencies: {
      'facet-train': expect.stringMatching(/^file:.*facet-train-.*\.tgz$/),
    },
  });
});

it('writes a configuration that names the task, and a task that can be loaded', async () => {
  await init('task');
  const file = path.join(folder, 'task', 'facet.yaml');
  expect(await readFile(file, 'utf8')).toContain('module: ./task.mjs');
  // Imported from this package, where it finds what it imports.
  const template = new URL('../../template/task.mjs', import.meta.url).pathname;
  expect(await readFile(path.join(folder, 'task', 'task.mjs'), 'utf8')).toBe(await readFile(template, 'utf8'));
  expect((await loadTask(template)).definition.name).toBe('rings');
});

it('takes an empty folder, and refuses one that holds something and a file', async () => {
  await mkdir(path.join(folder, 'empty'));
  expect((await init('empty')).code).toBe(0);

  const again = await init('empty');
  expect(again.code).toBe(2);
  expect(again.stderr).toContain(
    'empty holds .gitignore, README.md, facet.yaml and 2 more, expected a new or an empty folder',
  );

  await writeFile(path.join(folder, 'file'), 'mine');
  const file = await init('file');
  expect(file.code).toBe(2);
  expect(file.stderr).toContain('file is a file, expected a new or an empty folder');
  expect(await readFile(path.join(folder, 'file'), 'utf8')).toBe('mine');
});
