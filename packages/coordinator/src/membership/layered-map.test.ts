import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LayeredMap } from './layered-map.js';

type Value = { readonly of: number };

const change = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key: fc.nat(80), value: fc.nat() }),
  fc.record({ kind: fc.constant('delete' as const), key: fc.nat(80) }),
  fc.record({ kind: fc.constant('copy' as const) }),
);

test('holds what a Map holds, in its order, and a copy leaves its original as it was', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 400 }), (changes) => {
      const plain = new Map<number, Value>();
      const kept: { readonly map: LayeredMap<number, Value>; readonly entries: readonly [number, Value][] }[] = [];
      let layered = LayeredMap.copyOf<number, Value>(new Map());
      for (const one of changes) {
        if (one.kind === 'copy') {
          kept.push({ map: layered, entries: [...plain] });
          layered = LayeredMap.copyOf(layered);
        } else if (one.kind === 'delete') {
          expect(layered.delete(one.key)).toBe(plain.delete(one.key));
        } else {
          layered.set(one.key, { of: one.value });
          plain.set(one.key, { of: one.value });
        }
        expect(layered.size).toBe(plain.size);
      }
      kept.push({ map: layered, entries: [...plain] });
      for (const { map, entries } of kept) {
        expect([...map]).toEqual(entries);
        expect([...map.keys()]).toEqual(entries.map(([key]) => key));
        expect([...map.values()]).toEqual(entries.map(([, value]) => value));
        expect(entries.every(([key, value]) => map.has(key) && map.get(key)?.of === value.of)).toBe(true);
      }
    }),
  );
});

test('a chain of copies with one change each does not copy everything every time', () => {
  const size = 4_096;
  let reads = 0;
  class Counted extends Map<number, Value> {
    override *[Symbol.iterator](): MapIterator<[number, Value]> {
      for (const entry of super.entries()) {
        reads += 1;
        yield entry;
      }
    }
  }
  let layered = LayeredMap.copyOf<number, Value>(
    new Counted(Array.from({ length: size }, (_, key) => [key, { of: 0 }])),
  );
  reads = 0;
  for (let key = 0; key < 64; key++) layered = LayeredMap.copyOf(layered).set(key, { of: key });
  expect(reads).toBe(0);
  expect(layered.get(63)).toEqual({ of: 63 });
});
