/** Our own model is a guest: the operations that it is made of are those that users have. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const IMPORT = /^import (?!type)\{([^}]*)\} from '@facet\/compiler';/gms;
const EXPORT = /^export \{([^}]*)\} from '@facet\/compiler';/gms;

/** The values, and no types, that a source imports from the compiler or exports of it. */
function namesIn(source: string, statement: RegExp): string[] {
  const names = [...source.matchAll(statement)].flatMap(([, list]) => list!.split(',').map((name) => name.trim()));
  return names.filter((name) => name !== '' && !name.startsWith('type '));
}

it('imports no operation of the compiler that facet-train does not export', async () => {
  const exported = namesIn(await readFile(new URL('index.ts', import.meta.url), 'utf8'), EXPORT);
  const folder = fileURLToPath(new URL('../../multiview/src/', import.meta.url));
  const used = new Set<string>();
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    for (const name of namesIn(await readFile(path.join(folder, file), 'utf8'), IMPORT)) used.add(name);
  }
  expect([...used]).toContain('attention');
  expect([...used].filter((name) => !exported.includes(name))).toEqual([]);
});
