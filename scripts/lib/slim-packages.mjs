// Takes out of node_modules what Node does not load on this machine. A package's own entry points, and everything that they
// name, stay. The image's test trains, evaluates and exports, so a file too few is found.

import { readdir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';

/** Not loaded by any program: maps, types, sources of types. Licences stay. */
const NEVER = /\.(?:map|d\.[cm]?ts|ts|flow|markdown)$|(?:^|\/)(?:README|CHANGELOG|HISTORY|readme|changelog)[^/]*$/;

/** Packages of many bundles, of which Node loads the one that `main` names. */
const BUNDLED = /^@tensorflow\/tfjs/;

/**
 * @param modules a node_modules that nobody else uses
 * @returns `keptBytes`, `leftOutBytes`
 */
export async function slimPackages(modules, { platform = process.platform, arch = process.arch } = {}) {
  const counts = { keptBytes: 0, leftOutBytes: 0 };
  for (const name of await packageNames(modules)) {
    const folder = path.join(modules, name);
    const kept = BUNDLED.test(name) ? await loadedFiles(folder) : undefined;
    for (const file of await filesOf(folder)) {
      const { size } = await stat(path.join(folder, file));
      const isKept = isLoadable({ name, file, platform, arch }) && (kept === undefined || kept.has(file));
      counts[isKept ? 'keptBytes' : 'leftOutBytes'] += size;
      if (!isKept) await rm(path.join(folder, file));
    }
  }
  return counts;
}

/** Whether a program of this machine could load a file of a package. */
export function isLoadable({ name, file, platform, arch }) {
  if (name.startsWith('@facet/')) return true;
  if (NEVER.test(file)) return false;
  if (name !== 'onnxruntime-node') return true;
  // The binding of other machines, and the sources of this one.
  const [, system, processor] = /^bin\/napi-v\d+\/([^/]+)\/([^/]+)\//.exec(file) ?? [];
  if (system !== undefined) return system === platform && processor === arch;
  return !/^(?:lib|script)\//.test(file);
}

/** The entry of a package, with all files of the package that it names by a relative path, and what is no program. */
async function loadedFiles(folder) {
  const { main = 'index.js' } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const found = new Set();
  const waiting = [path.posix.normalize(main)];
  for (const file of waiting) {
    if (found.has(file)) continue;
    const text = await readFile(path.join(folder, file), 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    found.add(file);
    for (const [, wanted] of text.matchAll(/(?:require\(|from |import\()\s*['"](\.{1,2}\/[^'"]+)['"]/g)) {
      const at = path.posix.join(path.posix.dirname(file), wanted);
      waiting.push(at, `${at}.js`, `${at}/index.js`);
    }
  }
  for (const file of await filesOf(folder)) if (/\.(?:json|wasm)$|LICENSE/i.test(file)) found.add(file);
  return found;
}

async function packageNames(modules) {
  const names = [];
  for (const entry of await readdir(modules)) {
    if (entry.startsWith('.')) continue;
    if (!entry.startsWith('@')) names.push(entry);
    else for (const inner of await readdir(path.join(modules, entry))) names.push(`${entry}/${inner}`);
  }
  return names;
}

/** Files of a folder by their path in it, with `/`. */
async function filesOf(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
}
