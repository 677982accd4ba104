/**
 * A source made of text, character by character, for learning to predict the next one. A character is a code point of Unicode.
 * The text is in memory as the numbers of its characters; samples are cut from it when they are asked for.
 */
import { TrainingError, type FieldValues } from '@facet/shared';
import { createHash } from 'node:crypto';
import { assertShare } from './column-source.js';
import { assertIds, type SampleIds, type SampleSource, type SplitName } from './sample-source.js';
import { textPieces } from './text-pieces.js';

/** Which text, and how samples are cut from it. */
export interface TextOptions {
  /** UTF-8 files, read one after the other. */
  readonly train: string | readonly string[];
  /** Without it the last share of the text becomes the test split. */
  readonly test?: string | readonly string[];
  /** Share of the characters, at the end of the text, that becomes the test split. Default 0.1. */
  readonly testShare?: number;
  /** Characters of a sample. */
  readonly length: number;
  /** From the beginning of a sample to that of the next. Default: `length`, so that no character is in two samples. */
  readonly stride?: number;
}

const DEFAULT_TEST_SHARE = 0.1;
/** Of one file; in memory every character takes four bytes. */
const MOST_FILE_BYTES = 2 ** 29;

/**
 * Opens text as a source: fields `tokens` and `next`, both `int32` [length], where `next` is one character further on. The
 * numbers are places in `classes`, the characters that occur in the order of their code points.
 *
 * @throws TrainingError DATASET_UNAVAILABLE when a file cannot be read; DATASET_INVALID when it is not UTF-8 or too short for
 *   a sample; CONFIG_INVALID for a length, stride or share that is none.
 */
export async function text(options: TextOptions): Promise<SampleSource> {
  const { train, test, length } = options;
  const stride = options.stride ?? length;
  assertWhole('length', length);
  assertWhole('stride', stride);
  if (test !== undefined && options.testShare !== undefined) {
    throw invalidOption('there are both test and testShare, expected one of them');
  }
  const testShare = options.testShare ?? DEFAULT_TEST_SHARE;
  assertShare('text', testShare);
  const points = { train: await codePoints(train), test: test === undefined ? undefined : await codePoints(test) };
  const vocabulary = vocabularyOf([points.train, points.test ?? []]);
  const all = tokensOf(points.train, vocabulary);
  const border = Math.floor(all.length * (1 - testShare));
  const tokens: Record<SplitName, Int32Array> =
    points.test === undefined
      ? { train: all.subarray(0, border), test: all.subarray(border) }
      : { train: all, test: tokensOf(points.test, vocabulary) };
  const windows = {
    train: Math.max(0, Math.floor((tokens.train.length - 1 - length) / stride) + 1),
    test: Math.max(0, Math.floor((tokens.test.length - 1 - length) / stride) + 1),
  };
  if (windows.train === 0) {
    const fault = `text: there are ${tokens.train.length} characters to train on, expected ${length + 1} or more`;
    throw new TrainingError('DATASET_INVALID', `${fault} for samples of ${length} and the next one`);
  }
  const classes = vocabulary.map((point) => String.fromCodePoint(point));
  return {
    fields: { tokens: { shape: [length], type: 'int32' }, next: { shape: [length], type: 'int32' } },
    length: (split) => windows[split],
    read: (split, ids) =>
      new Promise((resolve) => {
        assertIds(split, ids, windows[split]);
        resolve(cut(tokens[split], ids, { length, stride }));
      }),
    classes,
    digest: digestOf([length, stride, classes], [tokens.train, tokens.test]),
  };
}

/** The samples of some ids, which exist. */
function cut(
  tokens: Int32Array,
  ids: SampleIds,
  { length, stride }: { readonly length: number; readonly stride: number },
): Record<string, FieldValues> {
  const read = { tokens: new Int32Array(ids.length * length), next: new Int32Array(ids.length * length) };
  ids.forEach((id, i) => {
    const from = id * stride;
    read.tokens.set(tokens.subarray(from, from + length), i * length);
    read.next.set(tokens.subarray(from + 1, from + 1 + length), i * length);
  });
  return read;
}

/** The characters of files, as numbers. */
async function codePoints(files: string | readonly string[]): Promise<Int32Array> {
  let points = new Int32Array(1 << 16);
  let count = 0;
  for (const path of typeof files === 'string' ? [files] : files) {
    for await (const piece of textPieces(path, MOST_FILE_BYTES)) {
      if (count + piece.length > points.length) {
        const grown = new Int32Array(Math.max(points.length * 2, count + piece.length));
        grown.set(points);
        points = grown;
      }
      for (const character of piece) points[count++] = character.codePointAt(0)!;
    }
  }
  return points.subarray(0, count);
}

function vocabularyOf(texts: readonly Iterable<number>[]): number[] {
  const found = new Set<number>();
  for (const points of texts) for (const point of points) found.add(point);
  return [...found].sort((a, b) => a - b);
}

function tokensOf(points: Int32Array, vocabulary: readonly number[]): Int32Array {
  const places = new Map(vocabulary.map((point, place) => [point, place]));
  return points.map((point) => places.get(point)!);
}

function digestOf(form: unknown, tokens: readonly Int32Array[]): string {
  const hash = createHash('sha256').update(JSON.stringify([form, tokens.map(({ length }) => length)]));
  for (const { buffer, byteOffset, byteLength } of tokens) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex');
}

function assertWhole(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 1) return;
  throw invalidOption(`${name} is ${value}, expected a whole number of characters from 1`);
}

function invalidOption(problem: string): TrainingError {
  return new TrainingError('CONFIG_INVALID', `text: ${problem}`);
}
