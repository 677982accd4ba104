import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { canonicalJson } from './canonical-json.js';

/** The same value with the keys of every mapping set in another order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversed(member)]),
  );
}

describe('canonicalJson', () => {
  it('reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('does not depend on the order in which keys were set', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      }),
    );
  });

  it('sorts keys and leaves out what is undefined', () => {
    expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, 'a.b': 1e-7 })).toBe(
      '{"a.b":1e-7,"b":[1,{"c":"x","d":null}]}',
    );
  });
});

test.each([
  [{ a: [Number.NaN] }, '$.a[0] is NaN'],
  [[undefined], '$[0] is undefined'],
  [{ a: { b: new Date(0) } }, '$.a.b is an object with a class of its own'],
  [{ f: () => 1 }, '$.f is a function'],
])('refuses %j and names the place', (value, place) => {
  expect(() => canonicalJson(value)).toThrow(`${place}, expected a value that JSON can hold`);
});
