import { describe, expect, it } from 'vitest';
import { describeSource } from '../../test/source-contract.js';
import { own, type OwnOptions } from './own.js';

/** Points on a parabola; kept in one array, as a careless user might. */
function parabola(change = 0): OwnOptions {
  const kept = Float32Array.from({ length: 10 }, (_, i) => i * i + change);
  return {
    fields: { x: { shape: [2], type: 'float32' }, label: { shape: [], type: 'int32' } },
    classes: ['even', 'odd'],
    digest: String(change).repeat(64),
    length: (split) => (split === 'train' ? 4 : 1),
    read: (split, ids) => {
      const first = split === 'train' ? 0 : 4;
      const isAll = ids.length === 4 && ids.every((id, i) => id === i);
      return {
        x: isAll
          ? kept.subarray(0, 8)
          : Float32Array.from([...ids].flatMap((id) => [...kept.slice((first + id) * 2, (first + id) * 2 + 2)])),
        label: Int32Array.from(ids, (id) => (first + id) % 2),
      };
    },
  };
}

describeSource('a source of own functions', {
  make: (_folder, content) => Promise.resolve(own(parabola(content === 'usual' ? 0 : 1))),
});

describe('a source of own functions', () => {
  it('is not asked for ids that are not there', async () => {
    const asked: number[] = [];
    const source = own({ ...parabola(), read: (_, ids) => (asked.push(...ids), {}) });
    await expect(source.read('test', [1])).rejects.toThrow(
      'sample 1 of test was asked for, expected a whole number from 0 to 0',
    );
    expect(asked).toEqual([]);
  });

  it('copies what it returns, also a part of what the function keeps', async () => {
    const source = own(parabola());
    (await source.read('train', [0, 1, 2, 3]))['x']!.fill(9);
    expect([...(await source.read('train', [0]))['x']!]).toEqual([0, 1]);
  });

  it.each<[string, Partial<OwnOptions>, string]>([
    ['no field', { fields: {} }, 'there is no field, expected at least one'],
    [
      'a length of 0',
      { fields: { x: { shape: [0], type: 'uint8' } } },
      "field 'x' is uint8 [0], expected lengths from 1",
    ],
    [
      'another type',
      { fields: { x: { shape: [], type: 'float64' as 'float32' } } },
      "field 'x' is float64 [], expected lengths from 1 and one of uint8, int32, float32",
    ],
    ['a digest of its own', { digest: 'v1' }, "the digest is 'v1', expected 64 hex digits"],
    ['half a sample', { length: () => 1.5 }, 'the length of train is 1.5, expected a whole number'],
    ['nothing to learn from', { length: () => 0 }, 'train has 0 samples, expected at least one'],
  ])('is refused with %s', (_, change, problem) => {
    expect(() => own({ ...parabola(), ...change })).toThrow(problem);
  });

  it.each<[string, Record<string, Float32Array | Int32Array>, string]>([
    [
      'a missing field',
      { label: new Int32Array(2) },
      "field 'x' was read as nothing, expected 4 numbers of type float32",
    ],
    [
      'another type',
      { x: new Int32Array(4), label: new Int32Array(2) },
      "field 'x' was read as Int32Array of 4 numbers, expected 4 numbers of type float32 (2 samples of float32 [2])",
    ],
    [
      'another length',
      { x: new Float32Array(4), label: new Int32Array(3) },
      "field 'label' was read as Int32Array of 3 numbers, expected 2 numbers of type int32",
    ],
  ])('is refused when it reads %s', async (_, read, problem) => {
    await expect(own({ ...parabola(), read: () => read }).read('train', [0, 1])).rejects.toThrow(problem);
  });
});
