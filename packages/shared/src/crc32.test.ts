import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32, formatCrc32 } from './crc32.js';

describe('crc32', () => {
  it('gives the published check value', () => {
    expect(formatCrc32(crc32(new TextEncoder().encode('123456789')))).toBe('cbf43926');
  });

  it('continues from the value of the part before', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.uint8Array({ maxLength: 64 }), (head, tail) => {
        expect(crc32(tail, crc32(head))).toBe(crc32(Buffer.concat([head, tail])));
      }),
    );
  });

  it('is written with leading zeros', () => {
    expect(formatCrc32(0)).toBe('00000000');
    expect(formatCrc32(0xab)).toBe('000000ab');
  });
});
