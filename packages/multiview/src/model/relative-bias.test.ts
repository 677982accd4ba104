import { expect, it } from 'vitest';
import { offsetCount, offsetIndicators } from './relative-bias.js';

it('gives pairs of tokens the same bias exactly when their offset is the same', () => {
  const side = 3;
  const [tokens, offsets] = [side ** 2, offsetCount(side)];
  const indicators = offsetIndicators(side);
  const byOffset = new Map<string, number>();
  for (let query = 0; query < tokens; query++) {
    for (let key = 0; key < tokens; key++) {
      const row = indicators.subarray((query * tokens + key) * offsets, (query * tokens + key + 1) * offsets);
      expect(row.reduce((sum, value) => sum + value, 0)).toBe(1);
      const offset = `${Math.floor(key / side) - Math.floor(query / side)} ${(key % side) - (query % side)}`;
      const index = row.indexOf(1);
      expect(byOffset.get(offset) ?? index, offset).toBe(index);
      byOffset.set(offset, index);
    }
  }
  expect(new Set(byOffset.values()).size).toBe(offsets);
});
