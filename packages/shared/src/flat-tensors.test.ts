import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromTensors, orderLayout, toTensors, type ParameterLayout } from './flat-tensors.js';
import { decodeSafetensors, encodeSafetensors } from './safetensors.js';

const shapes = fc.dictionary(fc.string(), fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }), { maxKeys: 8 });

/** A layout whose entries stand in another order than their parts in the flat buffer. */
const anyLayout: fc.Arbitrary<ParameterLayout[]> = shapes
  .map((named) => {
    let offset = 0;
    return Object.entries(named).map(([name, shape]) => {
      const length = shape.reduce((product, size) => product * size, 1);
      offset += length;
      return { name, shape, offset: offset - length, length };
    });
  })
  .chain((layout) => fc.shuffledSubarray(layout, { minLength: layout.length }));

const bits = (flat: Float32Array): Uint8Array => new Uint8Array(flat.buffer, flat.byteOffset, flat.byteLength);

const layout: ParameterLayout[] = [
  { name: 'bias', shape: [2], offset: 4, length: 2 },
  { name: 'kernel', shape: [2, 2], offset: 0, length: 4 },
];

describe('flat and named tensors', () => {
  it('turn into each other and through a file without losing a bit, for any layout', () => {
    fc.assert(
      fc.property(anyLayout, fc.infiniteStream(fc.float()), (of, values) => {
        const flatLength = of.reduce((sum, { length }) => sum + length, 0);
        const flat = Float32Array.from({ length: flatLength }, () => values.next().value as number);
        const file = encodeSafetensors({ tensors: toTensors(flat, of), metadata: {} });
        expect(bits(fromTensors(decodeSafetensors(file).tensors, of))).toEqual(bits(flat));
        // The file's data is the flat buffer itself: all parts are F32 and stand in its order.
        expect(file.subarray(file.byteLength - flat.byteLength)).toEqual(bits(flat));
      }),
    );
  });

  it('share the memory of the flat buffer when they are named', () => {
    const flat = Float32Array.of(1, 2, 3, 4, 5, 6);
    const tensors = toTensors(flat, layout);
    expect([...tensors.keys()]).toEqual(['kernel', 'bias']);
    expect(tensors.get('bias')).toEqual({ shape: [2], values: Float32Array.of(5, 6) });
    expect(tensors.get('bias')?.values.buffer).toBe(flat.buffer);
  });

  it.each([
    ['a hole', [{ name: 'a', shape: [2], offset: 1, length: 2 }], /"a" has offset 1, expected 0/],
    ['a wrong length', [{ name: 'a', shape: [3], offset: 0, length: 2 }], /"a" has length 2, its shape \[3\] says 3/],
    ['too few values', [{ name: 'a', shape: [2], offset: 0, length: 2 }], /covers 2 values, the flat buffer has 3/],
    [
      'a name twice',
      [
        { name: 'a', shape: [2], offset: 0, length: 2 },
        { name: 'a', shape: [], offset: 2, length: 1 },
      ],
      /"a" stands in the layout more than once/,
    ],
  ])('refuse a layout with %s', (_, of, message) => {
    expect(() => orderLayout(of, 3)).toThrow(message);
    expect(() => orderLayout(of, 3)).toThrow(expect.objectContaining({ code: 'CHECKPOINT_INVALID' }));
  });

  it('refuse tensors that the layout does not expect', () => {
    const tensors = toTensors(new Float32Array(6), layout);
    const without = new Map([...tensors].slice(1));
    expect(() => fromTensors(without, layout)).toThrow(/"kernel" is missing/);
    const extra = new Map([...tensors, ['more', { shape: [0], values: new Float32Array(0) }] as const]);
    expect(() => fromTensors(extra, layout)).toThrow(/"more" is not a parameter/);
    const reshaped = new Map([...tensors, ['kernel', { shape: [4], values: new Float32Array(4) }] as const]);
    expect(() => fromTensors(reshaped, layout)).toThrow(/"kernel" has shape \[4\], expected \[2, 2\]/);
    const retyped = new Map([...tensors, ['bias', { shape: [2], values: new Int32Array(2) }] as const]);
    expect(() => fromTensors(retyped, layout)).toThrow(/"bias" is not of type F32/);
  });
});
