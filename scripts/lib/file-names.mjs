// Files are named for one noun. A name that could hold anything soon does, so a few are banned (see the rules in
// CONTRIBUTING.md).

import { readdirSync } from 'node:fs';
import path from 'node:path';

const BANNED_WORDS = ['util', 'utils', 'helper', 'helpers', 'manager', 'managers'];
const SOURCE = /\.(ts|mts|js|mjs)$/;
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'gen', 'runs', 'coverage', '.git']);

/** One line for each source file below the folders whose name is not kebab-case or has a banned word; empty is good. */
export function findBadFileNames(root, folders) {
  return folders
    .flatMap((folder) => listFiles(path.join(root, folder)))
    .flatMap((file) => {
      const problem = describeBadName(path.basename(file));
      return problem === undefined ? [] : [`${path.relative(root, file)}: ${problem}`];
    });
}

/** What is wrong with a file's name, or undefined. */
export function describeBadName(name) {
  if (!SOURCE.test(name)) return undefined;
  const stem = name.split('.')[0];
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) return 'expected kebab-case';
  const word = stem.split('-').find((part) => BANNED_WORDS.includes(part));
  return word === undefined ? undefined : `"${word}" says nothing; name the file for what it holds`;
}

function listFiles(folder) {
  let entries = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
  return entries.flatMap((entry) => {
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : listFiles(path.join(folder, entry.name));
    return [path.join(folder, entry.name)];
  });
}
