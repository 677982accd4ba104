import { describe, expect, it, test } from 'vitest';
import { encodeNpy } from '../../test/npy.js';
import { decodeNpy } from './npy.js';

const bytes = Uint8Array.of(1, 2, 3, 4, 5, 250);

describe('a .npy file', () => {
  it.each([1, 2] as const)('of version %d comes back as it was written, without a copy', (version) => {
    const file = encodeNpy([2, 3], bytes, { version });
    const { shape, values } = decodeNpy('a.npy', file);
    expect(shape).toEqual([2, 3]);
    expect(values).toEqual(bytes);
    expect(values.buffer).toBe(file.buffer);
  });

  it.each([
    ['<i8', 8],
    ['<i4', 4],
    ['<u2', 2],
  ])('of type %s becomes bytes', (type, size) => {
    const content = new Uint8Array(3 * size);
    [7, 0, 255].forEach((value, i) => (content[i * size] = value));
    expect(decodeNpy('a.npy', encodeNpy([3], content, { type })).values).toEqual(Uint8Array.of(7, 0, 255));
  });
});

test.each<[string, Uint8Array, string]>([
  ['another format', Buffer.from('hello, this is no array'), 'does not begin like a .npy file (\\x93NUMPY)'],
  [
    'a file cut in its header',
    encodeNpy([2, 3], bytes).subarray(0, 40),
    'has 40 bytes, expected a header of 128 bytes and the array',
  ],
  [
    'a file cut in its array',
    encodeNpy([2, 3], bytes.subarray(0, 5)),
    'has 133 bytes, expected 134 for type |u1 and shape [2, 3]',
  ],
  [
    'floats',
    encodeNpy([1], new Uint8Array(4), { type: '<f4' }),
    'holds numbers of type <f4, expected one of |u1, |i1, <u2, <i2, <i4, <i8',
  ],
  ['columns first', encodeNpy([2, 3], bytes, { order: 'True' }), 'is stored in Fortran order, expected C order'],
  [
    'a number above 255',
    encodeNpy([1], Uint8Array.of(0, 1), { type: '<u2' }),
    'holds a number at place 0 that is not from 0 to 255',
  ],
])('refuses %s', (_, file, problem) => {
  expect(() => decodeNpy('a.npy', file)).toThrow(`a.npy ${problem}; replace it with a complete .npy file`);
});
