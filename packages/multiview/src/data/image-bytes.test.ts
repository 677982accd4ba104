import { expect, it } from 'vitest';
import { interleavedBytes } from './image-bytes.js';

it('puts the channels of a pixel side by side and cuts what is no colour', () => {
  const planar = Float32Array.of(0, 1, 0.2, 0.4, -3, 7);
  expect([...interleavedBytes(planar, { height: 1, width: 2, channels: 3 })]).toEqual([0, 51, 0, 255, 102, 255]);
});
