/**
 * The package as a user has it: packed from what was built, and installed by npm into an empty folder outside of this
 * repository.
 */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CommandResult } from '../testkit/facet.js';

const SCRIPTS = new URL('../../scripts/lib/', import.meta.url);
const TYPESCRIPT = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url));

/** What npm says when it cannot get a package, as opposed to a package that is wrong. */
export const NO_REGISTRY =
  /\b(ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|ENOTCACHED|ERR_SOCKET_TIMEOUT|E40[137]|E50\d)\b/;

export interface Tarball {
  readonly file: string;
  readonly bytes: number;
  readonly files: number;
}

export interface InstalledPackage extends AsyncDisposable {
  readonly folder: string;
  readonly tarball: Tarball;
  /** Runs a command in a folder below, as from a terminal. */
  run(command: string, args: readonly string[], folder?: string): Promise<CommandResult>;
  /** Writes a file into the folder. */
  write(name: string, content: string): Promise<void>;
  /** What TypeScript says against files; empty when nothing. */
  typeProblems(files: readonly string[], flags: readonly string[]): Promise<string>;
}

/** @returns the installed package, or why the registry could not be reached */
export async function installPackage(): Promise<InstalledPackage | { readonly unreachable: string }> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'facet-package-')));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true, maxRetries: 5 });
  try {
    const { makeTarball } = (await import(new URL('package-tarball.mjs', SCRIPTS).href)) as {
      makeTarball: (folder: string) => Promise<Tarball>;
    };
    await mkdir(path.join(folder, 'downloads'));
    const tarball = await makeTarball(path.join(folder, 'downloads'));
    const project = path.join(folder, 'project');
    await mkdir(project);
    await writeFile(path.join(project, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const flags = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1'];
    const installed = await runAsUser('npm', ['install', ...flags, tarball.file], project);
    if (installed.code !== 0) {
      await remove();
      const reason = NO_REGISTRY.exec(installed.stderr)?.[1];
      if (reason !== undefined) return { unreachable: `npm cannot reach its registry (${reason})` };
      throw new Error(`npm install failed:\n${installed.stderr}`);
    }
    return {
      folder: project,
      tarball,
      run: (command, args, below = '') => runAsUser(command, args, path.join(project, below)),
      write: (name, content) => writeFile(path.join(project, name), content),
      async typeProblems(files, flags) {
        const strict = ['--noEmit', '--strict', '--target', 'es2022', '--skipLibCheck', '--ignoreConfig'];
        const { stdout } = await runAsUser(process.execPath, [TYPESCRIPT, ...strict, ...flags, ...files], project);
        return stdout;
      },
      [Symbol.asyncDispose]: remove,
    };
  } catch (caught) {
    await remove();
    throw caught;
  }
}

/** Without the variables that npm and Facet set for what they start. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_/i.test(name) && (!name.startsWith('FACET_') || name === 'FACET_CACHE'),
  );
  const ours = `${path.sep}node_modules${path.sep}.bin`;
  const folders = (process.env['PATH'] ?? '').split(path.delimiter).filter((folder) => !folder.endsWith(ours));
  return { ...Object.fromEntries(kept), PATH: folders.join(path.delimiter), NO_COLOR: '1' };
}

/** Runs a command to its end, without the variables of whoever runs the tests. */
export function runAsUser(command: string, args: readonly string[], cwd: string): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}
