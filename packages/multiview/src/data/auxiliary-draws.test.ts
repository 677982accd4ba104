import { describe, expect, it } from 'vitest';
import { drawAuxiliary } from './auxiliary-draws.js';

const allocate = () => ({ tokenPairs: new Float32Array(2 * 8 * 16), hiddenTokens: new Float32Array(16) });

describe('the draws of a micro-batch', () => {
  it('are a function of the key alone, whatever lay in the buffers', () => {
    const [first, second] = [allocate(), allocate()];
    second.tokenPairs.fill(7);
    second.hiddenTokens.fill(7);
    drawAuxiliary(first, 5);
    drawAuxiliary(second, 5);
    expect(second).toEqual(first);
    drawAuxiliary(second, 6);
    expect(second).not.toEqual(first);
  });

  it('pair different tokens and hide half of them', () => {
    for (let key = 0; key < 50; key++) {
      const { tokenPairs, hiddenTokens } = allocate();
      drawAuxiliary({ tokenPairs, hiddenTokens }, key);
      const chosen = Array.from({ length: 16 }, (_, row) => {
        const cells = tokenPairs.subarray(row * 16, (row + 1) * 16);
        expect(cells.reduce((sum, value) => sum + value, 0)).toBe(1);
        return cells.indexOf(1);
      });
      for (let pair = 0; pair < 8; pair++) expect(chosen[pair]).not.toBe(chosen[8 + pair]);
      expect(hiddenTokens.reduce((sum, value) => sum + value, 0)).toBe(8);
    }
  });
});
