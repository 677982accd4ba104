// Scenes that two cameras see. A patterned board stands somewhere in front of a patterned wall; how far away it is shows only
// in how much it is shifted between the two pictures: focal length x distance of the cameras / depth.
import { createHash } from 'node:crypto';

export const HEIGHT = 12;
export const WIDTH = 32;
/** In pixels x metres: a board one metre away is shifted by six pixels. */
const FOCAL_TIMES_BASE = 6;
const [NEAREST, FURTHEST] = [0.8, 4];
const WALL_SHIFT = FOCAL_TIMES_BASE / 6;

/** Identity of the scenes: another drawing needs another version. */
export const DIGEST = createHash('sha256')
  .update(`scenes version 1: ${HEIGHT} x ${WIDTH}, ${FOCAL_TIMES_BASE}, ${NEAREST} to ${FURTHEST}`)
  .digest('hex');

/** Uniform in [0, 1), a function of two whole numbers (the finaliser of MurmurHash3). */
function hashed(one, other) {
  let bits = Math.imul(one ^ Math.imul(other, 0x9e37_79b1), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
}

/** The brightness of a pattern between its points, which lie one pixel apart. */
function pattern(seed, x, y) {
  const left = Math.floor(x);
  const share = x - left;
  return hashed(seed, left * 64 + y) * (1 - share) + hashed(seed, (left + 1) * 64 + y) * share;
}

/**
 * Draws a scene.
 *
 * @returns two grey pictures [HEIGHT, WIDTH] as bytes, and the depth of the board in metres
 */
export function drawScene(id) {
  const depth = NEAREST + (FURTHEST - NEAREST) * hashed(id, 1);
  const shift = FOCAL_TIMES_BASE / depth;
  const size = 14 + 6 * hashed(id, 2);
  const from = 8 + (WIDTH - 10 - size) * hashed(id, 3);
  const picture = (isRight) =>
    Uint8Array.from({ length: HEIGHT * WIDTH }, (_, pixel) => {
      const [x, y] = [pixel % WIDTH, Math.floor(pixel / WIDTH)];
      const onBoard = x + (isRight ? shift : 0) - from;
      const isBoard = onBoard >= 0 && onBoard < size;
      const brightness = isBoard
        ? 0.4 + 0.6 * pattern(id * 2 + 1, onBoard, y)
        : 0.5 * pattern(id * 2, x + (isRight ? WALL_SHIFT : 0), y);
      return Math.round(255 * brightness);
    });
  return { left: picture(false), right: picture(true), depth };
}
