/**
 * Which code this is: the package's version and a hash over the compiled files of all our packages, so that two machines
 * with the same version number and different code refuse each other instead of training different models.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './context.js';

const SCOPE = '@facet/';
const HASH_DIGITS = 12;

/** A package's name and the folder of its compiled files. */
export interface CodeFolder {
  readonly name: string;
  readonly folder: string;
}

/** The version of the running code, as in `0.1.0+1a2b3c4d5e6f`; FACET_CODE_VERSION overrides it, for tests. */
export async function readCodeVersion(env: Environment): Promise<string> {
  if (env['FACET_CODE_VERSION']) return env['FACET_CODE_VERSION'];
  const own = path.dirname(fileURLToPath(import.meta.url));
  const hash = await hashCode([...(await ourPackages()), { name: 'cli', folder: own }]);
  return `${await readPackageVersion()}+${hash}`;
}

/** The version in package.json. */
export async function readPackageVersion(): Promise<string> {
  return (await readManifest()).version;
}

/** Our packages that this one needs, and those that they need: by their package.json, so that none can be forgotten. */
export async function ourPackages(): Promise<CodeFolder[]> {
  const found = new Map<string, string>();
  const waiting = [await readManifest()];
  for (const { dependencies = {} } of waiting) {
    for (const name of Object.keys(dependencies)) {
      if (!name.startsWith(SCOPE) || found.has(name)) continue;
      const entry = import.meta.resolve(name);
      found.set(name, path.dirname(fileURLToPath(entry)));
      waiting.push(await readManifest(new URL('../package.json', entry)));
    }
  }
  return [...found].map(([name, folder]) => ({ name: name.slice(SCOPE.length), folder }));
}

interface Manifest {
  readonly version: string;
  /** Missing inside of a packed package, which names all that it holds itself. */
  readonly dependencies?: Readonly<Record<string, string>>;
}

async function readManifest(file = new URL('../package.json', import.meta.url)): Promise<Manifest> {
  return JSON.parse(await readFile(file, 'utf8')) as Manifest;
}

/** The first digits of the SHA-256 over the names and contents of all .js files, whatever order they are given in. */
export async function hashCode(folders: readonly CodeFolder[]): Promise<string> {
  const files: { readonly name: string; readonly file: string }[] = [];
  for (const { name, folder } of folders) {
    for (const entry of await readdir(folder, { recursive: true })) {
      const relative = entry.split(path.sep).join('/');
      if (relative.endsWith('.js')) files.push({ name: `${name}/${relative}`, file: path.join(folder, entry) });
    }
  }
  files.sort((a, b) => (a.name < b.name ? -1 : 1));
  const hash = createHash('sha256');
  for (const { name, file } of files) {
    const content = await readFile(file);
    hash.update(`${name}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex').slice(0, HASH_DIGITS);
}
