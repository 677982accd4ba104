// Lines of Markdown stay readable in a terminal and in a diff: 120 characters at most. A row of a table cannot be wrapped
// and is left alone, and so is CHANGELOG.md, which everybody adds to.

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const LONGEST = 120;
const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'runs', 'coverage', '.git']);
const SKIPPED_FILES = new Set(['CHANGELOG.md']);

/** `file:line: N characters` for each line of Markdown below the folder that is too long; empty is good. */
export function findLongMarkdownLines(root, folder = root) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : findLongMarkdownLines(root, file);
    if (!entry.name.endsWith('.md') || SKIPPED_FILES.has(entry.name)) return [];
    return longLines(readFileSync(file, 'utf8')).map((found) => `${path.relative(root, file)}:${found}`);
  });
}

/** `line: N characters` for each line of a Markdown text that is too long. */
export function longLines(text) {
  return text.split('\n').flatMap((line, index) => {
    const characters = [...line].length;
    const isFine = characters <= LONGEST || line.trimStart().startsWith('|');
    return isFine ? [] : [`${index + 1}: ${characters} characters, expected at most ${LONGEST}`];
  });
}
