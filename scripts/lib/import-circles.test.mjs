import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findImportCircles } from './import-circles.mjs';

let root;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'facet-circles-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Writes files below src/ and looks for circles there. */
function circlesIn(files) {
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(root, 'src', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  return findImportCircles(root, ['src']);
}

test.each([
  ['a value', "import { b } from './b.js';"],
  ['a type', "import type { B } from './b.js';"],
  ['an inline type', "import { type B } from './b.js';"],
  ['a type that is only named', "export type C = import('./b.js').B;"],
  ['import()', "const b = await import('./b.js');"],
  ['an export', "export type { B } from './b.js';"],
])('sees a circle through %s', async (_, text) => {
  const back = "import type { A } from './a.js';";
  expect(await circlesIn({ 'a.ts': text, 'b.ts': back })).toEqual(['src/a.ts -> src/b.ts -> src/a.ts']);
});

test('sees a file that imports itself', async () => {
  expect(await circlesIn({ 'a.ts': "import type { A } from './a.js';" })).toEqual(['src/a.ts -> src/a.ts']);
});

test('names the shortest way around, once', async () => {
  const files = {
    'start.ts': "import './a.js';",
    'a.ts': "import './b.js'; import './long.js';",
    'long.ts': "import './b.js';",
    'b.ts': "import type { A } from './a.js';",
  };
  // What leads into a circle is not in it; what only makes it longer comes to light when the short one is gone.
  expect(await circlesIn(files)).toEqual([
    'src/a.ts -> src/b.ts -> src/a.ts',
    'src/long.ts -> src/b.ts -> src/a.ts -> src/long.ts',
  ]);
});

test('sees a circle of folders without a circle of files, and says which imports make it', async () => {
  const files = {
    'model/ops.ts': "import type { Program } from '../engine/deep/program.js';",
    'model/model.ts': '',
    'engine/deep/program.ts': '',
    'engine/compute.ts': "import { model } from '../model/model.js';",
  };
  expect(await circlesIn(files)).toEqual([
    'folders model -> engine -> model in src: ' +
      'src/model/ops.ts imports src/engine/deep/program.ts; src/engine/compute.ts imports src/model/model.ts',
  ]);
});

test('lets a folder use what lies above it, and a test look at anything', async () => {
  const files = {
    'program.ts': "import { run } from './commands/run.js';",
    'errors.ts': '',
    'commands/run.ts': "import { a } from '../errors.js'; import '../lib/a.js';",
    'lib/a.ts': '',
    'lib/a.test.ts': "import '../commands/run.js';",
    'test/world.ts': "import '../lib/a.js';",
    'lib/b.ts': "import '../test/world.js';",
  };
  expect(await circlesIn(files)).toEqual([]);
});
