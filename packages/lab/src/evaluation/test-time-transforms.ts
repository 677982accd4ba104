/**
 * Test-time augmentation: the fixed set of small changes under which an image is asked about again. Every image is seen
 * in place and moved by one pixel in each direction, and each of these mirrored where a mirror image keeps its class.
 * Pure; averaging the answers is the evaluation's job.
 */
import type { ImageShape } from '@facet/shared';

export interface TestTimeTransform {
  /** Unique among the transforms of a set, such as `left` or `left mirrored`. */
  readonly name: string;
  /** Pixels by which the picture moves to the right and down; what it uncovers is 0, as in training. */
  readonly moveX: number;
  readonly moveY: number;
  readonly isMirrored: boolean;
}

/** The picture as it is. */
export const IDENTITY: TestTimeTransform = { name: 'identity', moveX: 0, moveY: 0, isMirrored: false };

const MOVES = [
  { name: 'left', moveX: -1, moveY: 0 },
  { name: 'right', moveX: 1, moveY: 0 },
  { name: 'up', moveX: 0, moveY: -1 },
  { name: 'down', moveX: 0, moveY: 1 },
] as const;

/** The set for a dataset; the identity comes first. */
export function testTimeTransforms({ isMirrorable }: { readonly isMirrorable: boolean }): TestTimeTransform[] {
  const upright = [IDENTITY, ...MOVES.map((move) => ({ ...move, isMirrored: false }))];
  if (!isMirrorable) return upright;
  return [...upright, ...upright.map((move) => ({ ...move, name: `${move.name} mirrored`, isMirrored: true }))];
}

/**
 * Writes the transformed images.
 *
 * @param target [count, channels * height * width], overwritten
 * @param source of the same shape, planar; not the same memory
 */
export function transformImages(
  target: Float32Array,
  source: Float32Array,
  image: ImageShape,
  { moveX, moveY, isMirrored }: TestTimeTransform,
): void {
  const { height, width } = image;
  // Planes of all images and channels lie one behind the other.
  for (let row = 0; row < target.length / width; row++) {
    const y = (row % height) - moveY;
    const sourceRow = row - moveY;
    for (let column = 0; column < width; column++) {
      const moved = column - moveX;
      const isInside = y >= 0 && y < height && moved >= 0 && moved < width;
      target[row * width + column] = isInside
        ? source[sourceRow * width + (isMirrored ? width - 1 - moved : moved)]!
        : 0;
    }
  }
}
