import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/fixtures.js';
import { describeSource } from '../../test/source-contract.js';
import type { SampleSource } from './sample-source.js';
import { text, type TextOptions } from './text.js';

async function opened(
  content: string | Uint8Array,
  options: Partial<TextOptions> = {},
  test?: string,
): Promise<SampleSource> {
  const folder = await temporaryFolder();
  const paths = { train: join(folder, 'train.txt'), test: join(folder, 'test.txt') };
  await writeFile(paths.train, content);
  if (test !== undefined) await writeFile(paths.test, test);
  return text({ train: paths.train, ...(test !== undefined && { test: paths.test }), length: 4, ...options });
}

describeSource('text', {
  make: (_folder, content) =>
    opened(
      content === 'usual'
        ? 'the quick brown fox jumps over the lazy dog'
        : 'the quick brown fox jumps over the lazy god',
      {
        testShare: 0.3,
      },
    ),
});

describeSource('text with a test split and overlapping samples', {
  make: (_folder, content) => opened('abcabcabcd', { stride: 1 }, content === 'usual' ? 'abcab' : 'abcaa'),
});

describe('text', () => {
  const inWords = async (source: SampleSource, split: 'train' | 'test'): Promise<string[][]> => {
    const ids = Array.from({ length: source.length(split) }, (_, id) => id);
    const { tokens, next } = await source.read(split, ids);
    const size = source.fields['tokens']!.shape[0]!;
    const wordAt = (values: Iterable<number>, id: number): string =>
      [...values]
        .slice(id * size, (id + 1) * size)
        .map((token) => source.classes![token])
        .join('');
    return ids.map((id) => [wordAt(tokens!, id), wordAt(next!, id)]);
  };

  it('is cut into samples, and what follows each of their characters', async () => {
    const source = await opened('abcdefghijkl', { testShare: 0.25, length: 3 });
    // 9 characters to train on: the last sample must have a character after it.
    expect(await inWords(source, 'train')).toEqual([
      ['abc', 'bcd'],
      ['def', 'efg'],
    ]);
    expect(await inWords(source, 'test')).toEqual([]);
    const overlapping = await opened('abcdef', { testShare: 0, length: 3, stride: 1 });
    expect(await inWords(overlapping, 'train')).toEqual([
      ['abc', 'bcd'],
      ['bcd', 'cde'],
      ['cde', 'def'],
    ]);
  });

  it('has the characters of both splits, in the order of their code points', async () => {
    // By UTF-16 units the last two would be the other way round.
    const source = await opened('b🙂aé￮', { length: 2 }, 'zyx');
    expect(source.classes).toEqual(['a', 'b', 'x', 'y', 'z', 'é', '￮', '🙂']);
    expect(await inWords(source, 'train')).toEqual([
      ['b🙂', '🙂a'],
      ['aé', 'é￮'],
    ]);
  });

  it('may be in several files, and a character in two pieces of one', async () => {
    const folder = await temporaryFolder();
    const files = ['1', '2'].map((name) => join(folder, name));
    // The pieces that a file is read in have 4 MiB; three bytes a character do not divide them.
    await writeFile(files[0]!, '€'.repeat(1_500_000));
    await writeFile(files[1]!, 'ab');
    const source = await text({ train: files, length: 1_500_001, testShare: 0 });
    expect(source.classes).toEqual(['a', 'b', '€']);
    const { tokens, next } = await source.read('train', [0]);
    expect([tokens!.at(-2), tokens!.at(-1), next!.at(-1)]).toEqual([2, 0, 1]);
    expect(tokens!.subarray(0, 1_500_000).every((token) => token === 2)).toBe(true);
  });

  it.each<[string, string | Uint8Array, Partial<TextOptions>, string]>([
    ['too few characters', 'abcd', { testShare: 0 }, 'there are 4 characters to train on, expected 5 or more'],
    ['no length', 'abcdefgh', { length: 0 }, 'text: length is 0, expected a whole number of characters from 1'],
    ['half a stride', 'abcdefgh', { stride: 0.5 }, 'text: stride is 0.5, expected a whole number'],
    ['a share that is none', 'abcdefgh', { testShare: 1 }, 'text: testShare is 1, expected a share'],
    ['bytes that are no text', Uint8Array.of(97, 98, 0xff, 99), {}, 'train.txt is not UTF-8 at byte 2'],
  ])('is refused with %s', async (_, content, options, problem) => {
    await expect(opened(content, options)).rejects.toThrow(problem);
  });

  it('is refused with both a test split and a share', async () => {
    await expect(opened('abcdefgh', { testShare: 0.1 }, 'abcdef')).rejects.toThrow('there are both test and testShare');
  });
});
