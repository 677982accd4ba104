/**
 * Turns raw samples into the tensors of one micro-batch: augmented by the identity of the sample, scaled to [0, 1], planar.
 * What comes out depends on (seed, epoch, sample id) only, never on the worker or the order.
 */
import type { AuxiliaryTensors } from './auxiliary-draws.js';
import { randomKey, randomStream, type AugmentationConfig, type ImageShape } from '@facet/shared';

/** Buffers of one micro-batch, filled in place and fed to the engine as they are. */
export interface MicroBatchTensors {
  /** [microBatch, channels * height * width], planar, in [0, 1] */
  readonly images: Float32Array;
  /** [microBatch, classes], one-hot */
  readonly targets: Float32Array;
  /** [microBatch], 1 for a sample and 0 for padding */
  readonly sampleWeights: Float32Array;
  /** Present when the model has auxiliary losses. */
  readonly draws?: AuxiliaryTensors | undefined;
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
  readonly augmentation?: AugmentationConfig;
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
  const { image, classes } = options;
  const pixelCount = image.channels * image.height * image.width;
  const capacity = tensors.sampleWeights.length;
  const count = samples.ids.length;
  tensors.targets.fill(0);
  tensors.sampleWeights.fill(0).fill(1, 0, count);
  for (let i = 0; i < count; i++) {
    writeImage(
      tensors.images.subarray(i * pixelCount, (i + 1) * pixelCount),
      samples.pixels.subarray(i * pixelCount, (i + 1) * pixelCount),
      image,
      drawPlacement(options, samples.ids[i]!),
    );
    tensors.targets[i * classes + samples.labels[i]!] = 1;
  }
  tensors.images.fill(0, count * pixelCount, capacity * pixelCount);
}

interface Placement {
  readonly shiftX: number;
  readonly shiftY: number;
  readonly isFlipped: boolean;
}

const IN_PLACE: Placement = { shiftX: 0, shiftY: 0, isFlipped: false };

function drawPlacement({ augmentation, seed, epoch }: FillOptions, id: number): Placement {
  if (augmentation === undefined) return IN_PLACE;
  const stream = randomStream(randomKey('augmentation', seed, epoch, id));
  const span = 2 * augmentation.shiftPixels + 1;
  return {
    shiftX: stream.nextBelow(span) - augmentation.shiftPixels,
    shiftY: stream.nextBelow(span) - augmentation.shiftPixels,
    isFlipped: augmentation.flip && stream.nextUint32() % 2 === 1,
  };
}

/** Copies one image from interleaved bytes to planar floats; what a shift uncovers is 0. */
function writeImage(
  target: Float32Array,
  source: Uint8Array,
  image: ImageShape,
  { shiftX, shiftY, isFlipped }: Placement,
): void {
  const { height, width, channels } = image;
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let row = 0; row < height; row++) {
      const sourceRow = row + shiftY;
      for (let column = 0; column < width; column++) {
        const shifted = column + shiftX;
        const sourceColumn = isFlipped ? width - 1 - shifted : shifted;
        const isInside = sourceRow >= 0 && sourceRow < height && sourceColumn >= 0 && sourceColumn < width;
        target[at++] = isInside ? source[(sourceRow * width + sourceColumn) * channels + channel]! / 255 : 0;
      }
    }
  }
}
