// Finds circles of imports: of files, and of the folders beside each other. An import of a type counts like any other,
// because whoever moves one of the two has to move both. Packages need no rule: `tsc -b` refuses a circle of them.

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const SKIPPED_FOLDERS = new Set(['node_modules', 'dist', 'gen']);
/** A test, or what tests are made of, may look at anything, so it does not tie folders together. */
const TEST_FILE = /(^|\/)test\/|\.test\.(ts|mjs)$/;

/**
 * One line for each circle below the folders; empty is good.
 *
 * @param root absolute folder
 * @param folders relative to the root
 */
export async function findImportCircles(root, folders) {
  // Loaded here: scripts start before the dependencies are installed.
  const { default: ts } = await import('typescript');
  const files = folders.flatMap((folder) => listSources(root, folder));
  const imports = new Map(files.map((file) => [file, importsOf(ts, root, file, new Set(files))]));
  return [...fileCircles(imports), ...folderCircles(imports)];
}

function listSources(root, folder) {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : listSources(root, name);
    return /\.(ts|mjs)$/.test(entry.name) ? [name] : [];
  });
}

/** The files that a file imports by a relative name, types and `import()` included. */
function importsOf(ts, root, file, known) {
  const { importedFiles } = ts.preProcessFile(readFileSync(path.join(root, file), 'utf8'), true, true);
  const targets = importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => path.posix.join(path.posix.dirname(file), fileName.replace(/\.js$/, '.ts')));
  return new Set(targets.filter((target) => known.has(target)));
}

function fileCircles(imports) {
  return circlesOf(imports).map((circle) => [...circle, circle[0]].join(' -> '));
}

/** Circles of folders that have the same parent; each arrow with one import that makes it. */
function folderCircles(imports) {
  /** Parent folder -> child folder -> sibling -> one import. */
  const parents = new Map();
  for (const [file, targets] of imports) {
    if (TEST_FILE.test(file)) continue;
    for (const target of targets) {
      const fork = forkOf(file, target);
      if (fork === undefined) continue;
      const children = entryOf(parents, fork.parent, () => new Map());
      entryOf(children, fork.to, () => new Map());
      const reasons = entryOf(children, fork.from, () => new Map());
      if (!reasons.has(fork.to)) reasons.set(fork.to, `${file} imports ${target}`);
    }
  }
  return [...parents].flatMap(([parent, children]) => {
    const siblings = new Map([...children].map(([child, reasons]) => [child, new Set(reasons.keys())]));
    return circlesOf(siblings).map((circle) => {
      const arrows = circle.map((from, i) => children.get(from).get(circle[(i + 1) % circle.length]));
      return `folders ${[...circle, circle[0]].join(' -> ')} in ${parent}: ${arrows.join('; ')}`;
    });
  });
}

/** Where the ways to two files part: the common folder and the two folders in it; undefined when either file lies in it. */
function forkOf(file, target) {
  const [from, to] = [file.split('/'), target.split('/')];
  const at = from.findIndex((name, i) => name !== to[i]);
  if (at < 0 || at >= from.length - 1 || at >= to.length - 1) return undefined;
  return { parent: from.slice(0, at).join('/'), from: from[at], to: to[at] };
}

function entryOf(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

/** The shortest circle through each knot of nodes that reach each other: mend it, and ask again. */
function circlesOf(graph) {
  const circles = [];
  const seen = new Set();
  for (const start of graph.keys()) {
    if (seen.has(start)) continue;
    const circle = shortestCircle(graph, start);
    if (circle === undefined) continue;
    circles.push(circle);
    for (const node of circle) seen.add(node);
  }
  return circles;
}

/** Breadth first, from a node back to itself. */
function shortestCircle(graph, start) {
  const cameFrom = new Map();
  const queue = [start];
  for (const node of queue) {
    for (const next of graph.get(node) ?? []) {
      if (next === start) {
        const circle = [node];
        while (circle[0] !== start) circle.unshift(cameFrom.get(circle[0]));
        return circle;
      }
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, node);
      queue.push(next);
    }
  }
  return undefined;
}
