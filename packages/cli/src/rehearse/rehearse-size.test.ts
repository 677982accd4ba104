import { describe, expect, it } from 'vitest';
import { splitCrews } from './rehearse-size.js';

describe('the workers of a rehearsal', () => {
  it.each([
    [1_000, 2, [450, 450, 100]],
    [256, 3, [77, 77, 77, 25]],
    [2, 4, [1, 1]],
  ])('%i of them in %i processes, beside one whose tenth is killed', (workers, processes, sizes) => {
    expect(splitCrews(workers, processes)).toEqual(sizes);
  });
});
