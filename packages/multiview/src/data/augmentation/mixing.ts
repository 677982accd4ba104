/**
 * Mixup (Zhang et al. 2018) and cutmix (Yun et al. 2019) inside a micro-batch: an image gets a part of its partner, and its
 * target the same part of its partner's target. Who is whose partner is a function of the micro-batch's identity, how an
 * image is mixed of the sample's; padding is neither mixed nor a partner. A row of targets keeps its sum of 1.
 */
import { randomKey, randomStream, shuffled, type ImageShape } from '@facet/shared';
import type { AugmentationConfig } from '../../config/augmentation-schema.js';
import { boxAround } from './cutout.js';

export interface MixingOptions {
  readonly recipe: Pick<AugmentationConfig, 'mixup' | 'cutmix'>;
  readonly image: ImageShape;
  readonly classes: number;
  readonly seed: number;
  readonly epoch: number;
  /** Identity of the micro-batch within the epoch. */
  readonly step: number;
  readonly index: number;
}

/** One image and its target. */
interface Row {
  readonly image: Float32Array;
  readonly target: Float32Array;
}

/**
 * Mixes the rows of the samples in place.
 *
 * @param images [microBatch, channels * height * width]
 * @param targets [microBatch, classes]
 * @param ids [count], the samples in the first rows
 */
export function mixMicroBatch(
  { images, targets }: { readonly images: Float32Array; readonly targets: Float32Array },
  ids: Uint32Array,
  options: MixingOptions,
): void {
  const { recipe, image, classes, seed, epoch, step, index } = options;
  if (recipe.mixup.share + recipe.cutmix.share === 0 || ids.length < 2) return;
  const pixels = image.channels * image.height * image.width;
  const rowOf = (row: number): Row => ({
    image: images.subarray(row * pixels, (row + 1) * pixels),
    target: targets.subarray(row * classes, (row + 1) * classes),
  });
  // The partners form one ring, so each row is read before it is changed, but for the first: that one is kept.
  const ring = shuffled(randomKey('pairing', seed, epoch, step, index), ids.length);
  const first = rowOf(ring[0]!);
  const kept: Row = { image: first.image.slice(), target: first.target.slice() };
  ring.forEach((row, place) => {
    const partner = place + 1 < ring.length ? rowOf(ring[place + 1]!) : kept;
    mixSample(rowOf(row), partner, ids[row]!, options);
  });
}

function mixSample(own: Row, partner: Row, id: number, { recipe, image, seed, epoch }: MixingOptions): void {
  const { mixup, cutmix } = recipe;
  const stream = randomStream(randomKey('mixing', seed, epoch, id));
  const choice = stream.nextUniform();
  if (choice < mixup.share) {
    const share = drawBeta(mixup.alpha, () => stream.nextUniform());
    blend(own.image, partner.image, share);
    blend(own.target, partner.target, share);
  } else if (choice < mixup.share + cutmix.share) {
    const side = Math.sqrt(stream.nextUniform());
    const size = { height: Math.round(image.height * side), width: Math.round(image.width * side) };
    const centre = { row: stream.nextBelow(image.height), column: stream.nextBelow(image.width) };
    blend(own.target, partner.target, paste(own.image, partner.image, boxAround(centre, size, image), image));
  }
}

/** Moves every value towards the other's by a share. */
function blend(own: Float32Array, other: Float32Array, share: number): void {
  for (let i = 0; i < own.length; i++) own[i] = own[i]! * (1 - share) + other[i]! * share;
}

/** Copies a box from the other image; returns its share of the area. */
function paste(
  own: Float32Array,
  other: Float32Array,
  { top, left, bottom, right }: ReturnType<typeof boxAround>,
  { height, width, channels }: ImageShape,
): number {
  for (let channel = 0; channel < channels; channel++) {
    for (let row = top; row < bottom; row++) {
      const start = (channel * height + row) * width;
      own.set(other.subarray(start + left, start + right), start + left);
    }
  }
  return ((bottom - top) * (right - left)) / (height * width);
}

/** A draw from Beta(alpha, alpha), alpha at most 1, by Jöhnk's method: half of the tries succeed at worst. */
function drawBeta(alpha: number, nextUniform: () => number): number {
  for (;;) {
    const a = nextUniform() ** (1 / alpha);
    const b = nextUniform() ** (1 / alpha);
    if (a + b > 0 && a + b <= 1) return a / (a + b);
  }
}
