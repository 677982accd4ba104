import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type Tensor, type TensorValues } from './safetensors.js';

const shape = fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 });
const sizeOf = (of: readonly number[]): number => of.reduce((product, size) => product * size, 1);

const anyTensor: fc.Arbitrary<Tensor> = shape.chain((of) => {
  const length = sizeOf(of);
  const exactly = { minLength: length, maxLength: length };
  return fc
    .oneof(
      fc.float32Array(exactly) as fc.Arbitrary<TensorValues>,
      fc.int32Array(exactly) as fc.Arbitrary<TensorValues>,
      fc.uint8Array(exactly) as fc.Arbitrary<TensorValues>,
    )
    .map((values) => ({ shape: of, values }));
});
const name = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('0', '12', '__proto__', 'constructor', 'toString'),
);
const anyTensors = fc.array(fc.tuple(name, anyTensor), { maxLength: 6 }).map((entries) => new Map(entries));
const anyMetadata = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true });

/** A file from the text of its header and its data, with no check at all. */
function fileOf(header: string, data: readonly number[] = []): Uint8Array {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([length, Buffer.from(header), Buffer.from(data)]);
}

const goldenHeader =
  '{"__metadata__":{"step":"3"},' +
  '"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},' +
  '"n":{"dtype":"I32","shape":[],"data_offsets":[8,12]},' +
  '"b":{"dtype":"U8","shape":[3],"data_offsets":[12,15]}}';
// Values by hand: 1.0, -2.0; -2; 7, 8, 9.
const goldenData = [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0xfe, 0xff, 0xff, 0xff, 7, 8, 9];
const golden = fileOf(goldenHeader.padEnd(Math.ceil(goldenHeader.length / 8) * 8), goldenData);
const goldenTensors = new Map<string, Tensor>([
  ['w', { shape: [1, 2], values: Float32Array.of(1, -2) }],
  ['n', { shape: [], values: Int32Array.of(-2) }],
  ['b', { shape: [3], values: Uint8Array.of(7, 8, 9) }],
]);

describe('safetensors', () => {
  it('writes a file that equals one made by hand, byte for byte', () => {
    expect(goldenHeader.length % 8).not.toBe(0);
    const file = encodeSafetensors({ tensors: goldenTensors, metadata: { step: '3' } });
    expect(Buffer.from(file).toString('hex')).toBe(Buffer.from(golden).toString('hex'));
  });

  it('reads a file that was made by hand', () => {
    expect(decodeSafetensors(golden)).toEqual({ tensors: goldenTensors, metadata: { step: '3' } });
    expect(decodeSafetensors(fileOf('{}'))).toEqual({ tensors: new Map(), metadata: {} });
  });

  it('gives back every tensor, shape and metadata string, at any alignment of the buffer', () => {
    fc.assert(
      fc.property(anyTensors, anyMetadata, fc.nat(7), (tensors, metadata, shift) => {
        const file = encodeSafetensors({ tensors, metadata });
        const shifted = new Uint8Array(file.byteLength + shift).subarray(shift);
        shifted.set(file);
        const decoded = decodeSafetensors(shifted);
        expect(new Map([...decoded.tensors].sort())).toEqual(new Map([...tensors].sort()));
        expect(decoded.metadata).toEqual(metadata);
      }),
    );
  });

  it('pads the header so that values are aligned, and puts 4-byte types first', () => {
    const tensors = new Map<string, Tensor>([
      ['odd', { shape: [3], values: new Uint8Array(3) }],
      ['aligned', { shape: [1], values: Float32Array.of(5) }],
    ]);
    const file = encodeSafetensors({ tensors, metadata: {} });
    const values = decodeSafetensors(file).tensors.get('aligned')?.values;
    expect([...decodeSafetensors(file).tensors.keys()]).toEqual(['aligned', 'odd']);
    expect(values?.buffer).toBe(file.buffer);
    expect((values?.byteOffset ?? 1) % 8).toBe(0);
  });

  it('copies where the alignment does not permit a view', () => {
    const shifted = new Uint8Array(golden.byteLength + 1).subarray(1);
    shifted.set(golden);
    const { tensors } = decodeSafetensors(shifted);
    expect(tensors.get('w')?.values.buffer).not.toBe(shifted.buffer);
    expect(tensors.get('b')?.values.buffer).toBe(shifted.buffer);
  });

  it('refuses a file that is cut at any place', () => {
    for (let length = 0; length < golden.byteLength; length += 1) {
      expect(() => decodeSafetensors(golden.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'CHECKPOINT_INVALID' }),
      );
    }
  });

  const zeros = (length: number): number[] => new Array<number>(length).fill(0);
  const entry = (dtype: string, of: string, offsets: string): string =>
    `{"dtype":"${dtype}","shape":${of},"data_offsets":${offsets}}`;

  it.each([
    [
      'an absurd header length',
      Buffer.from('ffffffffffffffff7b7d', 'hex'),
      /header length is 18446744073709551615 bytes, at most 2/,
    ],
    ['a header that is no object', fileOf('[]'), /does not begin with "\{"/],
    ['a header that is no JSON', fileOf('{"a"}'), /not JSON/],
    ['metadata that is no string', fileOf('{"__metadata__":{"step":3}}'), /__metadata__ is not a map of strings/],
    [
      'an unknown dtype',
      fileOf(`{"a":${entry('BF16', '[1]', '[0,2]')}}`, zeros(2)),
      /"a" has dtype "BF16", expected one of F32, I32, U8/,
    ],
    [
      'a shape that does not fit',
      fileOf(`{"a":${entry('F32', '[3]', '[0,8]')}}`, zeros(8)),
      /"a" has 8 bytes, its shape \[3\] of F32 says 12/,
    ],
    [
      'a shape beyond counting',
      fileOf(`{"a":${entry('F32', '[9007199254740991,9007199254740991]', '[0,8]')}}`, zeros(8)),
      /"a" has 8 bytes/,
    ],
    [
      'a negative size',
      fileOf(`{"a":${entry('F32', '[-1]', '[0,4]')}}`, zeros(4)),
      /"a" has a malformed entry: shape.0/,
    ],
    [
      'an unknown member',
      fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1}}', zeros(1)),
      /"a" has a malformed entry/,
    ],
    [
      'a hole',
      fileOf(`{"a":${entry('U8', '[1]', '[0,1]')},"b":${entry('U8', '[1]', '[2,3]')}}`, zeros(3)),
      /"b" begins at byte 2, expected 1: it leaves a hole/,
    ],
    [
      'an overlap',
      fileOf(`{"a":${entry('U8', '[2]', '[0,2]')},"b":${entry('U8', '[2]', '[1,3]')}}`, zeros(3)),
      /"b" begins at byte 1, expected 2: it overlaps/,
    ],
    [
      'data that is cut short',
      fileOf(`{"a":${entry('U8', '[2]', '[0,2]')}}`, zeros(1)),
      /"a" ends at byte 2, but the file has 1 bytes/,
    ],
    [
      'data that nobody owns',
      fileOf(`{"a":${entry('U8', '[2]', '[0,2]')}}`, zeros(3)),
      /cover 2 bytes, but the file has 3/,
    ],
  ])('refuses %s and says where', (_, file, message) => {
    expect(() => decodeSafetensors(file)).toThrow(message);
    expect(() => decodeSafetensors(file)).toThrow(expect.objectContaining({ code: 'CHECKPOINT_INVALID' }));
  });

  it('does not write what it could not read', () => {
    const short = new Map([['w', { shape: [3], values: new Float32Array(2) }]]);
    expect(() => encodeSafetensors({ tensors: short, metadata: {} })).toThrow(
      /"w" has 2 values, its shape \[3\] says 3/,
    );
    const reserved = new Map([['__metadata__', { shape: [1], values: new Float32Array(1) }]]);
    expect(() => encodeSafetensors({ tensors: reserved, metadata: {} })).toThrow(/keeps for its metadata/);
  });
});
