import { TrainingError } from '@facet/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countingBytes, encodeIdx } from '../../test/fixtures.js';
import { decodeIdxImages, decodeIdxLabels } from './idx.js';

const dimension = fc.integer({ min: 1, max: 6 });
const images = fc
  .tuple(dimension, dimension, dimension)
  .chain(([count, height, width]) =>
    fc
      .uint8Array({ minLength: count * height * width, maxLength: count * height * width })
      .map((pixels) => ({ count, height, width, pixels })),
  );

describe('IDX images', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(images, ({ count, height, width, pixels }) => {
        const decoded = decodeIdxImages('f', new Uint8Array(encodeIdx([count, height, width], pixels)));
        expect(decoded).toEqual({ count, height, width, pixels });
      }),
    );
  });

  it('are refused at every truncation and with any byte too many', () => {
    fc.assert(
      fc.property(images, fc.integer({ min: 1, max: 400 }), ({ count, height, width, pixels }, missing) => {
        const file = encodeIdx([count, height, width], pixels);
        const truncated = file.subarray(0, Math.max(0, file.length - missing));
        for (const wrong of [truncated, Buffer.concat([file, Buffer.alloc(missing)])]) {
          expect(() => decodeIdxImages('f', wrong)).toThrow(TrainingError);
        }
      }),
    );
  });

  it('state actual and expected length when truncated', () => {
    const file = encodeIdx([2, 3, 4], countingBytes(24)).subarray(0, 39);
    const message = 'a/images has 39 bytes, expected 40 for dimensions [2, 3, 4]; replace it with a complete IDX file';
    expect(() => decodeIdxImages('a/images', file)).toThrow(new TrainingError('DATASET_INVALID', message));
  });

  it('state actual and expected magic when they are labels', () => {
    const message = 'f has magic 0x00000801, expected 0x00000803 (an IDX file of images)';
    expect(() => decodeIdxImages('f', encodeIdx([20], countingBytes(20)))).toThrow(message);
  });

  it('are refused when shorter than a header or without a single image', () => {
    expect(() => decodeIdxImages('f', new Uint8Array(3))).toThrow('f has 3 bytes, expected a header of 16 bytes');
    const empty = encodeIdx([0, 28, 28], new Uint8Array());
    expect(() => decodeIdxImages('f', empty)).toThrow('f has dimensions [0, 28, 28], expected every dimension');
  });
});

describe('IDX labels', () => {
  it('decode to what was encoded', () => {
    const labels = fc.uint8Array({ minLength: 1, maxLength: 50, max: 9 });
    fc.assert(
      fc.property(labels, (list) => {
        expect(decodeIdxLabels('f', new Uint8Array(encodeIdx([list.length], list)), 10)).toEqual(list);
      }),
    );
  });

  it('name the first label out of range and its sample', () => {
    const file = encodeIdx([4], Uint8Array.of(1, 9, 10, 200));
    const message = 'f has label 10 at sample 2, expected 0 to 9; replace it with a complete IDX file';
    expect(() => decodeIdxLabels('f', file, 10)).toThrow(new TrainingError('DATASET_INVALID', message));
  });
});
