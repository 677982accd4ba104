/**
 * What every source of samples must do, whatever it reads. A source's own test calls this with a way to make the source, and a
 * way to make it with other content.
 */
import { fieldLength, isOfType, type FieldValues } from '@facet/shared';
import { describe, expect, it } from 'vitest';
import { SPLIT_NAMES, type SampleSource } from '../src/sources/sample-source.js';
import { temporaryFolder } from './fixtures.js';

export interface SourceUnderTest {
  /**
   * Makes the source in an empty folder.
   *
   * @param content - `other` differs from `usual` in a single number or name.
   */
  make(folder: string, content: 'usual' | 'other'): Promise<SampleSource>;
}

const all = (source: SampleSource, split: 'train' | 'test'): number[] =>
  Array.from({ length: source.length(split) }, (_, id) => id);

/** The tests of the contract. The usual content has at least three training samples that are not all the same. */
export function describeSource(name: string, tested: SourceUnderTest): void {
  const usual = async (): Promise<SampleSource> => tested.make(await temporaryFolder(), 'usual');

  describe(`${name}, as every source,`, () => {
    it('says what a sample holds, and gives that for every id', async () => {
      const source = await usual();
      expect(source.length('train')).toBeGreaterThanOrEqual(3);
      for (const split of SPLIT_NAMES) {
        const read = await source.read(split, all(source, split));
        expect(Object.keys(read)).toEqual(Object.keys(source.fields));
        for (const [field, declared] of Object.entries(source.fields)) {
          expect(declared.shape.every((length) => Number.isInteger(length) && length > 0)).toBe(true);
          expect(isOfType(read[field], declared.type)).toBe(true);
          expect(read[field]).toHaveLength(source.length(split) * fieldLength(declared));
        }
      }
    });

    it('gives the same numbers for the same id, whatever else is asked for and in which order', async () => {
      const source = await usual();
      const ids = [...all(source, 'train').reverse(), 0, 0, 1];
      const [together, typed] = await Promise.all([
        source.read('train', ids),
        source.read('train', Int32Array.from(ids)),
      ]);
      expect(typed).toEqual(together);
      for (const [field, declared] of Object.entries(source.fields)) {
        const size = fieldLength(declared);
        for (const [place, id] of ids.entries()) {
          const alone = (await source.read('train', [id]))[field];
          expect(together[field]!.subarray(place * size, (place + 1) * size)).toEqual(alone);
        }
      }
      const rows = new Set(
        await Promise.all(all(source, 'train').map(async (id) => JSON.stringify(await source.read('train', [id])))),
      );
      expect(rows.size).toBeGreaterThan(1);
    });

    it('hands out numbers that belong to the caller', async () => {
      const source = await usual();
      const first = await source.read('train', [0, 1]);
      const before = structuredClone(first);
      for (const values of Object.values<FieldValues>(first)) values.fill(77);
      expect(await source.read('train', [0, 1])).toEqual(before);
    });

    it('has one identity for one content, and another for another', async () => {
      const [first, second] = [await usual(), await usual()];
      expect(first.digest).toMatch(/^[0-9a-f]{64}$/);
      expect(second.digest).toBe(first.digest);
      expect(second.fields).toEqual(first.fields);
      expect(second.classes).toEqual(first.classes);
      for (const split of SPLIT_NAMES) {
        expect(second.length(split)).toBe(first.length(split));
        expect(await second.read(split, all(second, split))).toEqual(await first.read(split, all(first, split)));
      }
      expect((await tested.make(await temporaryFolder(), 'other')).digest).not.toBe(first.digest);
    });

    it('has labels that are in its classes', async () => {
      const source = await usual();
      if (source.classes === undefined || source.fields['label'] === undefined) return;
      for (const split of SPLIT_NAMES) {
        const labels = (await source.read(split, all(source, split)))['label']!;
        expect([...labels].every((label) => source.classes![label] !== undefined)).toBe(true);
      }
    });

    it('reads nothing when nothing is asked for', async () => {
      const source = await usual();
      for (const values of Object.values(await source.read('test', []))) expect(values).toHaveLength(0);
    });

    it.each([-1, 0.5, Number.NaN, 'length'] as const)('refuses the id %s', async (wrong) => {
      const source = await usual();
      const id = wrong === 'length' ? source.length('train') : wrong;
      await expect(source.read('train', [0, id])).rejects.toMatchObject({
        code: 'SHARD_INVALID',
        message: `sample ${id} of train was asked for, expected a whole number from 0 to ${source.length('train') - 1}`,
      });
    });
  });
}
