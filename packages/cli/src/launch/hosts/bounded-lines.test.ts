import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { onEachLine } from './bounded-lines.js';

async function linesOf(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  const ended = onEachLine(stream, (line) => lines.push(line));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await ended;
  return lines;
}

it('gives lines, however they are cut, and the last one without an end', async () => {
  const umlaut = Buffer.from('ü');
  expect(await linesOf(['a', 'b\nc', '\r\n\n', umlaut.subarray(0, 1), umlaut.subarray(1), '\nend'])).toEqual([
    'ab',
    'c',
    '',
    'ü',
    'end',
  ]);
});

it('leaves a line out that does not end, and keeps nothing of it', async () => {
  const piece = 'x'.repeat(200_000);
  expect(await linesOf([piece, piece, piece, '\nnext\n'])).toEqual(['next']);
  expect(await linesOf([piece, piece])).toEqual([]);
});
