import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { findLongMarkdownLines, longLines } from './markdown-lines.mjs';

test('counts characters, not bytes, and leaves rows of tables alone', () => {
  expect(longLines(`${'─'.repeat(120)}\n| ${'x'.repeat(200)} |\n${'x'.repeat(121)}`)).toEqual([
    '3: 121 characters, expected at most 120',
  ]);
});

test('finds them in every folder, but not in the changelog or in what others wrote', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'facet-markdown-'));
  try {
    for (const folder of ['docs/adr', 'node_modules/other']) {
      mkdirSync(path.join(root, folder), { recursive: true });
      writeFileSync(path.join(root, folder, 'page.md'), 'x'.repeat(121));
    }
    writeFileSync(path.join(root, 'CHANGELOG.md'), 'x'.repeat(121));
    expect(findLongMarkdownLines(root)).toEqual([
      `${path.join('docs', 'adr', 'page.md')}:1: 121 characters, expected at most 120`,
    ]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
