/**
 * The check of an exported model: compares its answers to test images with those of our own evaluation. It returns the
 * deviation and whether that is acceptable.
 */
import { openDataset } from '@facet/datasets';
import { randomKey, randomStream, TrainingError, type ImageShape } from '@facet/shared';
import { openClassifier, type TrainedModel } from '../models/classifier.js';
import { softmaxRows } from '../models/probabilities.js';
import { wholeImages } from '../evaluation/whole-images.js';
import type { Answers } from './run-export.js';

/** Largest deviation that rounding explains: of a probability, and of a logit relative to the largest one (or 1). */
export const EXPORT_TOLERANCE = 1e-5;

const CHECK_IMAGES = 64;

export interface ExportCheck {
  readonly isWithinTolerance: boolean;
  readonly tolerance: number;
  /** Number of images, or of other samples, that both answered. */
  readonly images: number;
  readonly source: CheckImages['source'] | 'random samples';
  /** Largest difference of a logit, or of a number of another answer, relative to the largest logit or 1. */
  readonly logitDeviation: number;
  /** Largest difference of a probability; 0 where answers are no classes. */
  readonly probabilityDeviation: number;
}

export interface CheckImages {
  /** [images, channels * height * width], planar, in [0, 1] */
  readonly pixels: Float32Array;
  /** Random images stand in when the dataset is not on this machine. */
  readonly source: 'test split' | 'random images';
}

/**
 * At least CHECK_IMAGES images, and a multiple of `batch` of them: of the dataset where it can be read, for which its folder
 * need not be where it was when the model was trained.
 */
export async function checkImages({ config, image }: TrainedModel, batch: number): Promise<CheckImages> {
  const count = Math.ceil(CHECK_IMAGES / batch) * batch;
  const size = image.channels * image.height * image.width;
  const pixels = new Float32Array(count * size);
  const dataset = await openDataset({ name: config.dataset, folder: config.dataFolder }).catch((caught: unknown) => {
    if (caught instanceof TrainingError) return undefined;
    throw caught;
  });
  // A trained model does not say where its samples were; the usual ones may have another size.
  if (dataset === undefined || !isSameShape(dataset.image, image)) {
    const stream = randomStream(randomKey('initialisation', CHECK_IMAGES));
    return { pixels: pixels.map(() => stream.nextUniform()), source: 'random images' };
  }
  // A split with too few samples is gone through again.
  for (let at = 0; at < count; at += dataset.test.count) {
    pixels.set(
      wholeImages(
        dataset,
        dataset.test,
        Uint32Array.from({ length: Math.min(count - at, dataset.test.count) }, (_, id) => id),
      ),
      at * size,
    );
  }
  return { pixels, source: 'test split' };
}

/** Files of one's own may be of another size than those of the dataset that they stand for. */
function isSameShape(a: ImageShape, b: ImageShape): boolean {
  return a.height === b.height && a.width === b.width && a.channels === b.channels;
}

/** Our own evaluation's answers. */
export async function ownAnswers(model: TrainedModel, images: Float32Array): Promise<Answers> {
  const classifier = await openClassifier(model, { engine: { name: 'onnxruntime', device: 'cpu' }, threads: 0 });
  try {
    const logits = await classifier.logits(images);
    return { logits, probabilities: softmaxRows(logits, model.classes) };
  } finally {
    await classifier.close();
  }
}

/** Compares an export's answers with our own. */
export function compareAnswers(
  expected: Answers,
  actual: Answers,
  { count, source }: { readonly count: number; readonly source: ExportCheck['source'] },
): ExportCheck {
  const largest = expected.logits.reduce((most, logit) => Math.max(most, Math.abs(logit)), 1);
  const logitDeviation = largestDifference(expected.logits, actual.logits) / largest;
  const probabilityDeviation = largestDifference(expected.probabilities, actual.probabilities);
  return {
    isWithinTolerance: Math.max(logitDeviation, probabilityDeviation) <= EXPORT_TOLERANCE,
    tolerance: EXPORT_TOLERANCE,
    images: count,
    source,
    logitDeviation,
    probabilityDeviation,
  };
}

/** Infinity where one of the two is no number or missing. */
function largestDifference(expected: ArrayLike<number>, actual: ArrayLike<number>): number {
  let largest = expected.length === actual.length ? 0 : Infinity;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(expected[i]! - actual[i]!);
    largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
  }
  return largest;
}
