/** Folders with tasks of a user's own, for tests: the examples of this repository, or a few lines. */
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));

/** All workers on one engine: on a machine with a GPU they could choose differently. */
export const ON_CPU = ['--engine', 'onnxruntime', '--device', 'cpu'] as const;

/** The path of a file of an example. */
export function exampleFile(...parts: string[]): string {
  return path.join(REPOSITORY, 'examples', ...parts);
}

/** Runs a script of an example to its end; it writes into a folder. */
export async function runScript(cwd: string, script: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(process.execPath, [script, ...args], { cwd });
}

/** Writes a module into a folder from which `facet-train` can be imported; returns its path. */
export async function writeTask(folder: string, name: string, source: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await symlink(path.join(REPOSITORY, 'node_modules'), path.join(folder, 'node_modules')).catch((caught: unknown) => {
    if ((caught as NodeJS.ErrnoException).code !== 'EEXIST') throw caught;
  });
  const file = path.join(folder, name);
  await writeFile(file, source);
  return file;
}
