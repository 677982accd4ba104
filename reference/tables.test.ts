/** The split of samples by a hash; tables that Python's csv module wrote, and text with windows as Python cuts them, read by our sources. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { isOfTest } from '../packages/datasets/src/sources/column-source.js';
import { csv } from '../packages/datasets/src/sources/csv.js';
import { text } from '../packages/datasets/src/sources/text.js';
import { storedNumbers } from './stored-numbers.js';

const stored = storedNumbers<{
  names: string[];
  shares: Record<string, boolean[]>;
  tables: Record<string, string>;
  classes: string[];
  labels: number[];
  features: number[];
  text: string;
  window: number;
  chars: string[];
  tokens: number[][];
  next: number[][];
}>('tables');

async function written(content: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-tables-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'file');
  await writeFile(file, content);
  return file;
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

it.each(Object.entries(stored.tables))('a table of the dialect %s holds what Python reads', async (dialect, table) => {
  const separator = dialect === 'tab' ? '\t' : ',';
  const source = await csv({ train: await written(table), label: 'kind', separator, testShare: 0 });
  expect(source.classes).toEqual(stored.classes);
  const read = await source.read('train', upTo(stored.labels.length));
  expect([...read['label']!]).toEqual(stored.labels);
  expect([...read['features']!]).toEqual(stored.features);
});

it.each(Object.entries(stored.shares))(
  'a share of %s becomes the test split by the hash that Python finds',
  (share, expected) => {
    expect(stored.names.map((name) => isOfTest(name, Number(share)))).toEqual(expected);
  },
);

it('text has the characters and the windows that Python finds', async () => {
  const source = await text({ train: await written(stored.text), length: stored.window, testShare: 0 });
  expect(source.classes).toEqual(stored.chars);
  expect(source.length('train')).toBe(stored.tokens.length);
  const read = await source.read('train', upTo(stored.tokens.length));
  expect([...read['tokens']!]).toEqual(stored.tokens.flat());
  expect([...read['next']!]).toEqual(stored.next.flat());
});
