/**
 * Augmentation by a few operations drawn from a list, after RandAugment (Cubuk et al. 2020), on interleaved bytes. Two
 * things differ from the paper: signs are drawn for every operation that has two directions, and autocontrast and equalize
 * are blended in by the magnitude, so that magnitude 0 is the identity for all of them. The list is documented in
 * docs/training.md.
 */
import { randomKey, randomStream, type ImageShape } from '@facet/shared';
import type { AugmentationConfig } from '../../config/augmentation-schema.js';
import { IDENTITY, resample, rotation, type AffineMap } from './affine.js';
import type { Padding } from './border.js';
import { saturation, sharpness, type Filter } from './filters.js';
import {
  applyTables,
  autocontrast,
  brightness,
  contrast,
  equalize,
  posterize,
  solarize,
  type Tables,
} from './tables.js';

/** What full strength means for the operations that move pixels. */
const MAX_ROTATION = Math.PI / 6;
const MAX_SHEAR = 0.3;
const MAX_TRANSLATION = 0.3;
const MAX_MAGNITUDE = 10;

export interface Operation {
  readonly name: string;
  readonly colourOnly?: true;
  /** Writes the changed image; `strength` in [-1, 1], 0 is the identity. Source and target do not share memory. */
  apply(source: Uint8Array, target: Uint8Array, image: ImageShape, strength: number, padding: Padding): void;
}

const byTables = (
  name: string,
  tablesOf: (source: Uint8Array, image: ImageShape, strength: number) => Tables,
): Operation => ({
  name,
  apply: (source, target, image, strength) => {
    applyTables(source, target, tablesOf(source, image, strength));
  },
});

const byFilter = (name: string, filter: Filter): Operation => ({ name, apply: filter });

const byMap = (name: string, mapOf: (image: ImageShape, strength: number) => AffineMap): Operation => ({
  name,
  apply: (source, target, image, strength, padding) => {
    resample(source, target, image, mapOf(image, strength), padding);
  },
});

/** Every operation, each as likely as any other; those for colour are not drawn for grey images. */
export const OPERATIONS: readonly Operation[] = [
  byTables('brightness', brightness),
  byTables('contrast', contrast),
  byTables('posterize', posterize),
  byTables('solarize', solarize),
  byTables('autocontrast', autocontrast),
  byTables('equalize', equalize),
  byFilter('sharpness', sharpness),
  byMap('rotate', (_image, strength) => rotation(MAX_ROTATION * strength)),
  byMap('shear-x', (_image, strength) => ({ ...IDENTITY, xy: MAX_SHEAR * strength })),
  byMap('shear-y', (_image, strength) => ({ ...IDENTITY, yx: MAX_SHEAR * strength })),
  byMap('translate-x', ({ width }, strength) => ({ ...IDENTITY, dx: MAX_TRANSLATION * width * strength })),
  byMap('translate-y', ({ height }, strength) => ({ ...IDENTITY, dy: MAX_TRANSLATION * height * strength })),
  { ...byFilter('saturation', saturation), colourOnly: true },
];

const GREY_OPERATIONS = OPERATIONS.filter(({ colourOnly }) => colourOnly !== true);

export interface RandAugmentOptions {
  readonly recipe: Pick<AugmentationConfig, 'randAugment' | 'padding'>;
  readonly image: ImageShape;
  readonly seed: number;
  readonly epoch: number;
  readonly id: number;
}

/** Applies the operations that a sample gets in an epoch to the first buffer; the result may lie in either of the two. */
export function randAugment(
  buffers: readonly [Uint8Array, Uint8Array],
  { recipe, image, seed, epoch, id }: RandAugmentOptions,
): readonly [Uint8Array, Uint8Array] {
  const { operations, magnitude } = recipe.randAugment;
  const legal = image.channels === 3 ? OPERATIONS : GREY_OPERATIONS;
  const stream = randomStream(randomKey('rand-augment', seed, epoch, id));
  let [current, spare] = buffers;
  for (let i = 0; i < operations; i++) {
    const operation = legal[stream.nextBelow(legal.length)]!;
    const sign = stream.nextBelow(2) === 0 ? 1 : -1;
    operation.apply(current, spare, image, (sign * magnitude) / MAX_MAGNITUDE, recipe.padding);
    [current, spare] = [spare, current];
  }
  return [current, spare];
}
