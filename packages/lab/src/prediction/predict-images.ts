/**
 * Classifies image files with a trained model, a micro-batch at a time. One bad file is an entry with its reason and
 * keeps no other from its answer; only a model that cannot run fails the whole call.
 */
import { datasetDefinition, readRegularFile, TrainingError } from '@facet/shared';
import { listImageFiles, type ImageFile } from '@facet/datasets';
import { openClassifier, type ClassifierPlace, type TrainedModel } from '../models/classifier.js';
import { softmaxRows } from '../models/probabilities.js';
import { decodeImage } from './decode-image.js';
import { prepareImage, type Change } from './prepare-image.js';

/** More than any camera writes. */
const MOST_IMAGE_BYTES = 256 * 1024 * 1024;

export interface PredictOptions extends ClassifierPlace {
  readonly model: TrainedModel;
  /** Files, and folders that stand for the images in them. */
  readonly paths: readonly string[];
}

export interface Guess {
  /** Index of the class. */
  readonly class: number;
  readonly probability: number;
}

export type Prediction =
  | {
      readonly file: string;
      readonly ok: true;
      /** Size of the picture in the file, upright, in pixels. */
      readonly width: number;
      readonly height: number;
      /** What was done to the picture beyond resizing it. */
      readonly changes: readonly Change[];
      /** Every class, the most probable first. */
      readonly guesses: readonly Guess[];
    }
  | { readonly file: string; readonly ok: false; readonly error: TrainingError };

/** A file that is ready for the model. */
interface Ready {
  readonly ok: true;
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly changes: readonly Change[];
  readonly pixels: Float32Array;
}

type Attempt = Ready | Extract<ImageFile, { ok: false }>;

/**
 * Predicts the class of every image file, in the order of the paths.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when the weights belong to another model; ENGINE_UNAVAILABLE.
 */
export async function predictImages(options: PredictOptions): Promise<Prediction[]> {
  const { model, paths } = options;
  const files = await listImageFiles(paths);
  const predictions: Prediction[] = [];
  const classifier = await openClassifier(model, options);
  try {
    for (let start = 0; start < files.length; start += classifier.microBatch) {
      const attempts: Attempt[] = [];
      for (const file of files.slice(start, start + classifier.microBatch)) attempts.push(await prepare(file, model));
      const ready = attempts.filter((attempt) => attempt.ok);
      const logits = await classifier.logits(stacked(ready));
      const probabilities = softmaxRows(logits, model.classes);
      for (const attempt of attempts) {
        if (!attempt.ok) {
          predictions.push(attempt);
          continue;
        }
        const { pixels: _, ...facts } = attempt;
        const row = ready.indexOf(attempt) * model.classes;
        predictions.push({ ...facts, guesses: ranked(probabilities.subarray(row, row + model.classes)) });
      }
    }
  } finally {
    await classifier.close();
  }
  return predictions;
}

async function prepare(found: ImageFile, { config, image }: TrainedModel): Promise<Attempt> {
  if (!found.ok) return found;
  const { file } = found;
  try {
    const { picture, width, height } = await decodeImage(file, await readRegularFile(file, MOST_IMAGE_BYTES));
    return {
      ok: true,
      file,
      width,
      height,
      ...prepareImage(picture, image, datasetDefinition(config.dataset).traits.style),
    };
  } catch (caught) {
    if (caught instanceof TrainingError) return { file, ok: false, error: caught };
    const { message } = TrainingError.from(caught);
    return { file, ok: false, error: new TrainingError('IMAGE_INVALID', `${file}: ${message}`, { cause: caught }) };
  }
}

function stacked(images: readonly Ready[]): Float32Array {
  const size = images[0]?.pixels.length ?? 0;
  const stack = new Float32Array(images.length * size);
  images.forEach(({ pixels }, i) => {
    stack.set(pixels, i * size);
  });
  return stack;
}

function ranked(probabilities: Float64Array): Guess[] {
  return Array.from(probabilities, (probability, index) => ({ class: index, probability })).sort(
    (a, b) => b.probability - a.probability || a.class - b.class,
  );
}
