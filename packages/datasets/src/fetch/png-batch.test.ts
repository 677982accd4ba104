import { PNG } from 'pngjs';
import { describe, expect, it } from 'vitest';
import { countingBytes } from '../../test/fixtures.js';
import { decodePngBatch, parseLabels } from './png-batch.js';

function encodePng(width: number, height: number, rgb: Uint8Array): Buffer {
  const data = Buffer.from(rgb);
  return PNG.sync.write({ width, height, data } as PNG, { inputColorType: 2, inputHasAlpha: false, colorType: 2 });
}

describe('the PNG batches', () => {
  it('decode to interleaved pixels, one image a row', () => {
    const rgb = countingBytes(2 * 1024 * 3, 251);
    expect(decodePngBatch('b.png', encodePng(1024, 2, rgb), 2)).toEqual(rgb);
  });

  it('are refused with another size or when cut', () => {
    const png = encodePng(1024, 2, countingBytes(2 * 1024 * 3));
    expect(() => decodePngBatch('b.png', png, 3)).toThrow(
      'b.png is a PNG of 1024x2 pixels, expected 1024x3; the package',
    );
    const bomb = Buffer.from(png.subarray(0, 60));
    bomb.writeUInt32BE(2 ** 31 - 1, 16);
    expect(() => decodePngBatch('b.png', bomb, 2)).toThrow('b.png is a PNG of 2147483647x2 pixels, expected 1024x2');
    expect(() => decodePngBatch('b.png', png.subarray(0, 60), 2)).toThrow('b.png has 60 bytes that are not a PNG');
  });
});

describe('the label lists', () => {
  it('are lists of labels', () => {
    expect(parseLabels('l.json', Buffer.from('[6,9,0]'), 3)).toEqual(Uint8Array.of(6, 9, 0));
  });

  it.each([
    ['[6,9', 'l.json is not JSON, expected a list of 3 labels'],
    ['{"a":1}', 'l.json is not a list, expected a list of 3 labels'],
    ['[6,9]', 'l.json has 2 labels, expected a list of 3 labels'],
    ['[6,9,10]', 'l.json has label 10 at sample 2, expected 0 to 9'],
    ['[6,1.5,1]', 'l.json has label 1.5 at sample 1, expected 0 to 9'],
  ])('are refused as %s', (text, message) => {
    expect(() => parseLabels('l.json', Buffer.from(text), 3)).toThrow(message);
  });
});
