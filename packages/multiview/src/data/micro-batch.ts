/**
 * Turns raw samples into the tensors of one micro-batch: augmented by the identity of the sample, scaled to [0, 1], planar,
 * and mixed by the identity of the micro-batch. What comes out depends on (seed, epoch, step, index, sample ids) only,
 * never on the worker or the order.
 */
import { randomKey, randomStream, type ImageShape } from '@facet/shared';
import type { AugmentationConfig } from '../config/augmentation-schema.js';
import type { BatchTensors } from '@facet/task';
import { resample, rotation } from './augmentation/affine.js';
import { NOWHERE, sourceIndex, type Padding } from './augmentation/border.js';
import { cutOut } from './augmentation/cutout.js';
import { mixMicroBatch } from './augmentation/mixing.js';
import { randAugment } from './augmentation/rand-augment.js';

/** Buffers of one micro-batch, filled in place and fed to the engine as they are. */
export interface MicroBatchTensors extends BatchTensors {
  /** [microBatch, channels * height * width], planar, in [0, 1] */
  readonly images: Float32Array;
  /** [microBatch, classes], a distribution per row: one-hot unless samples are mixed */
  readonly targets: Float32Array;
  /** Present when the model has auxiliary losses; see auxiliary-draws.ts. */
  readonly tokenPairs?: Float32Array;
  readonly hiddenTokens?: Float32Array;
}

/** Samples as they are stored and sent: interleaved bytes. */
export interface RawSamples {
  /** [count] */
  readonly ids: Uint32Array;
  /** [count] */
  readonly labels: Uint8Array;
  /** [count, height, width, channels] */
  readonly pixels: Uint8Array;
}

export interface FillOptions {
  readonly image: ImageShape;
  readonly classes: number;
  readonly seed: number;
  readonly epoch: number;
  /** Absent: the samples go in as they are. */
  readonly augmentation?: Augmentation;
}

export interface Augmentation {
  readonly recipe: AugmentationConfig;
  /** [channels] in [0, 1]: what cutout fills in. */
  readonly pixelMean: readonly number[];
  /** Identity of the micro-batch within the epoch: it decides who is mixed with whom. */
  readonly step: number;
  readonly index: number;
}

export function allocateMicroBatch(size: number, image: ImageShape, classes: number): MicroBatchTensors {
  return {
    images: new Float32Array(size * image.channels * image.height * image.width),
    targets: new Float32Array(size * classes),
    sampleWeights: new Float32Array(size),
  };
}

/** Fills a micro-batch; rows beyond the samples become padding of weight 0. */
export function fillMicroBatch(tensors: MicroBatchTensors, samples: RawSamples, options: FillOptions): void {
  const { image, classes, augmentation } = options;
  const pixelCount = image.channels * image.height * image.width;
  const capacity = tensors.sampleWeights.length;
  const { ids } = samples;
  const writer = createWriter(options);
  tensors.targets.fill(0);
  for (let i = 0; i < ids.length; i++) {
    const target = tensors.images.subarray(i * pixelCount, (i + 1) * pixelCount);
    writer(target, samples.pixels.subarray(i * pixelCount, (i + 1) * pixelCount), ids[i]!);
    tensors.targets[i * classes + samples.labels[i]!] = 1;
  }
  tensors.images.fill(0, ids.length * pixelCount, capacity * pixelCount);
  if (augmentation !== undefined) mixMicroBatch(tensors, ids, { ...options, ...augmentation });
}

/** Writes one sample, [height, width, channels] in bytes, as [channels, height, width] in [0, 1]. */
type SampleWriter = (target: Float32Array, source: Uint8Array, id: number) => void;

function createWriter({ image, seed, epoch, augmentation }: FillOptions): SampleWriter {
  if (augmentation === undefined) {
    return (target, source) => {
      writeImage(target, source, image, IN_PLACE);
    };
  }
  const { recipe, pixelMean } = augmentation;
  const { cutoutPixels } = recipe;
  const bytes = image.height * image.width * image.channels;
  let buffers: readonly [Uint8Array, Uint8Array] = [new Uint8Array(bytes), new Uint8Array(bytes)];
  const identity = { image, seed, epoch };
  return (target, source, id) => {
    let current = source;
    if (recipe.randAugment.operations > 0) {
      buffers[0].set(source);
      buffers = randAugment(buffers, { ...identity, recipe, id });
      [current] = buffers;
    }
    if (recipe.rotateDegrees > 0 || recipe.scaleShare > 0) {
      const spare = current === buffers[0] ? buffers[1] : buffers[0];
      resample(current, spare, image, drawAffine(recipe, randomKey('affine', seed, epoch, id)), recipe.padding);
      current = spare;
    }
    writeImage(target, current, image, drawPlacement(recipe, randomKey('augmentation', seed, epoch, id)));
    if (cutoutPixels > 0) cutOut(target, { ...identity, cutoutPixels, pixelMean, id });
  };
}

function drawAffine({ rotateDegrees, scaleShare }: AugmentationConfig, key: number): ReturnType<typeof rotation> {
  const stream = randomStream(key);
  const degrees = (2 * stream.nextUniform() - 1) * rotateDegrees;
  const scale = 1 + (2 * stream.nextUniform() - 1) * scaleShare;
  return rotation((degrees * Math.PI) / 180, scale);
}

interface Placement {
  readonly shiftX: number;
  readonly shiftY: number;
  readonly isFlipped: boolean;
  readonly padding: Padding;
}

const IN_PLACE: Placement = { shiftX: 0, shiftY: 0, isFlipped: false, padding: 'zero' };

function drawPlacement({ shiftPixels, flip, padding }: AugmentationConfig, key: number): Placement {
  const stream = randomStream(key);
  const span = 2 * shiftPixels + 1;
  return {
    shiftX: stream.nextBelow(span) - shiftPixels,
    shiftY: stream.nextBelow(span) - shiftPixels,
    isFlipped: flip && stream.nextUint32() % 2 === 1,
    padding,
  };
}

/** Copies one image from interleaved bytes to planar floats; what a shift uncovers is padding. */
function writeImage(
  target: Float32Array,
  source: Uint8Array,
  { height, width, channels }: ImageShape,
  { shiftX, shiftY, isFlipped, padding }: Placement,
): void {
  const columns = new Int32Array(width);
  for (let column = 0; column < width; column++) {
    const shifted = column + shiftX;
    columns[column] = sourceIndex(isFlipped ? width - 1 - shifted : shifted, width, padding);
  }
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const sourceRow = sourceIndex(row + shiftY, height, padding);
      for (let i = 0; i < width; i++) {
        const sourceColumn = columns[i]!;
        const isInside = sourceRow !== NOWHERE && sourceColumn !== NOWHERE;
        target[at++] = isInside ? source[(sourceRow * width + sourceColumn) * channels + channel]! / 255 : 0;
      }
    }
  }
}
