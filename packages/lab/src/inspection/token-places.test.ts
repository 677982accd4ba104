import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { VIEW_NAMES } from '@facet/multiview/config';
import { viewPatches } from '@facet/multiview/internal';
import { VIEWS } from '@facet/multiview';
import { tokenPlaces } from './token-places.js';

const SIDE = 5;
const PITCH = 4;
const SIZE = SIDE * PITCH;
const IMAGE = { height: SIZE, width: SIZE, channels: 1 };
const WHOLE = { cells: 1, patchSize: SIZE, stride: SIZE };

beforeAll(() => tf.setBackend('cpu'));

/** The token in whose square the light of an image has its centre of mass, and how much light there is. */
function lightOf(pixels: Float32Array): { readonly token: number; readonly amount: number } {
  let [amount, x, y] = [0, 0, 0];
  pixels.forEach((value, i) => {
    amount += value;
    x += value * (i % SIZE);
    y += value * Math.floor(i / SIZE);
  });
  return { token: Math.floor((y / amount + 0.5) / PITCH) * SIDE + Math.floor((x / amount + 0.5) / PITCH), amount };
}

/** An image that is lit around the centre of a token. */
function litAt(token: number): Float32Array {
  const centre = (at: number): number => at * PITCH + (PITCH - 1) / 2;
  const [x, y] = [centre(token % SIDE), centre(Math.floor(token / SIDE))];
  return Float32Array.from({ length: SIZE * SIZE }, (_, i) =>
    Math.max(Math.abs((i % SIZE) - x), Math.abs(Math.floor(i / SIZE) - y)) < 1 ? 1 : 0,
  );
}

function seenThrough(view: (typeof VIEW_NAMES)[number], pixels: Float32Array): Float32Array {
  return tf.tidy(() => {
    const images = tf.tensor3d(pixels, [1, SIZE, SIZE]);
    return viewPatches(images, VIEWS[view], IMAGE, WHOLE).dataSync<'float32'>();
  });
}

describe.each(VIEW_NAMES)('through the view %s', (view) => {
  it('the light at a token is found at the token where the geometry says', () => {
    const places = tokenPlaces(VIEWS[view], { side: SIDE, pitch: PITCH });
    for (const [token, place] of places.entries()) {
      if (place === -1) continue;
      const { amount, token: found } = lightOf(seenThrough(view, litAt(token)));
      expect(amount, `token ${token}`).toBeGreaterThan(0);
      expect(found, `token ${token}`).toBe(place);
    }
  });
});

it('the identity view leaves every token in its place, a zoom loses the edge', () => {
  const grid = { side: 8, pitch: 4 };
  expect(tokenPlaces(VIEWS.identity, grid)).toEqual(Array.from({ length: 64 }, (_, i) => i));
  expect(tokenPlaces(VIEWS['zoom-in'], grid).filter((place) => place === -1)).toHaveLength(28);
  expect(tokenPlaces(VIEWS['zoom-out'], grid)).not.toContain(-1);
});
