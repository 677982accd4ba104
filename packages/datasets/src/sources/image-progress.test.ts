import { expect, it } from 'vitest';
import { imageProgressOnTerminal } from './image-progress.js';

function shown(isTTY: boolean): string {
  const written: string[] = [];
  const onProgress = imageProgressOnTerminal({ isTTY, write: (text) => written.push(text) });
  for (let doneFiles = 1; doneFiles <= 1_000; doneFiles++)
    onProgress({ kind: 'decoding', doneFiles, totalFiles: 1_000 });
  onProgress({ kind: 'skipped', file: 'a/\u001b[2J.png', reason: 'cut' });
  return written.join('');
}

it('is one line that is written over, once for every percent', () => {
  const lines = shown(true).split('\r');
  expect(lines).toHaveLength(102);
  expect(lines[1]).toBe('decoding images: 1 of 1000 (0 %)');
  expect(lines.at(-1)).toBe('decoding images: 1000 of 1000 (100 %)\nleft out: a/\\x1b[2J.png: cut\n');
});

it('is silent where there is no terminal, but for files that are left out', () => {
  expect(shown(false)).toBe('left out: a/\\x1b[2J.png: cut\n');
});
