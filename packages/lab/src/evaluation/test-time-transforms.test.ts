import { expect, test } from 'vitest';
import { IDENTITY, testTimeTransforms, transformImages } from './test-time-transforms.js';

const image = { height: 2, width: 3, channels: 1 };
const source = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);

function transformed(name: string): number[] {
  const transform = testTimeTransforms({ isMirrorable: true }).find((each) => each.name === name)!;
  const target = new Float32Array(source.length).fill(-1);
  transformImages(target, source, image, transform);
  return [...target];
}

test.each([
  ['identity', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
  ['left', [2, 3, 0, 5, 6, 0, 8, 9, 0, 11, 12, 0]],
  ['right', [0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11]],
  ['up', [4, 5, 6, 0, 0, 0, 10, 11, 12, 0, 0, 0]],
  ['down', [0, 0, 0, 1, 2, 3, 0, 0, 0, 7, 8, 9]],
  ['identity mirrored', [3, 2, 1, 6, 5, 4, 9, 8, 7, 12, 11, 10]],
  ['left mirrored', [2, 1, 0, 5, 4, 0, 8, 7, 0, 11, 10, 0]],
])('%s moves every plane of every image by itself', (name, expected) => {
  expect(transformed(name)).toEqual(expected);
});

test('mirrors only what keeps its class, and begins with the picture as it is', () => {
  const upright = testTimeTransforms({ isMirrorable: false });
  expect(upright.map(({ name }) => name)).toEqual(['identity', 'left', 'right', 'up', 'down']);
  const all = testTimeTransforms({ isMirrorable: true });
  expect(all).toHaveLength(10);
  expect(all[0]).toBe(IDENTITY);
});
