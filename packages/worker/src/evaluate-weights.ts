/**
 * Evaluates stored weights on a test split, in this process and without a cluster: what `facet evaluate` does. It feeds
 * the samples and keeps the logits; what they are worth is worked out in evaluation/.
 */
import type { ParameterLayout, RunConfig } from '@facet/shared';
import type { Dataset } from '@facet/datasets';
import { DATASET_TRAITS } from './data/dataset-traits.js';
import { openClassifier, type Classifier, type ClassifierPlace } from './evaluation/classifier.js';
import { scoreAnswers, type Scores } from './evaluation/scores.js';
import { testImages } from './evaluation/test-images.js';
import {
  IDENTITY,
  testTimeTransforms,
  transformImages,
  type TestTimeTransform,
} from './evaluation/test-time-transforms.js';

export interface EvaluateOptions extends ClassifierPlace {
  readonly config: RunConfig;
  /** Flat weights and where each parameter lies in them, as a checkpoint stores them. */
  readonly weights: Float32Array;
  readonly layout: readonly ParameterLayout[];
  readonly dataset: Dataset;
  /** `test-time`: also averages the logits over the transforms of test-time augmentation. */
  readonly augmentation?: 'none' | 'test-time';
}

/** Scores of logits averaged over several looks at every image. */
export interface AugmentedScores extends Scores {
  /** Names of the transforms, the identity first. */
  readonly transforms: readonly string[];
}

export interface Evaluation extends Scores {
  readonly samples: number;
  /** Present when test-time augmentation was asked for. */
  readonly augmented?: AugmentedScores;
}

/**
 * Evaluates weights on the test split, or on as much of it as `config.samples.test` says.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when the weights belong to another model; NON_FINITE naming a sample.
 */
export async function evaluateWeights(options: EvaluateOptions): Promise<Evaluation> {
  const { config, dataset, augmentation = 'none' } = options;
  const { image, test } = dataset;
  const classes = dataset.classes.length;
  const samples = config.samples.test > 0 ? Math.min(config.samples.test, test.count) : test.count;
  const labels = test.labels.subarray(0, samples);
  const isAugmented = augmentation === 'test-time';
  const transforms = isAugmented ? testTimeTransforms(DATASET_TRAITS[config.dataset]) : [IDENTITY];
  const classifier = await openClassifier({ ...options, image, classes }, options);
  try {
    const { plain, averaged } = await collectLogits({ classifier, dataset, samples, transforms });
    const scores = { samples, ...scoreAnswers(plain, labels, classes) };
    if (!isAugmented) return scores;
    const names = transforms.map(({ name }) => name);
    return { ...scores, augmented: { transforms: names, ...scoreAnswers(averaged, labels, classes) } };
  } finally {
    await classifier.close();
  }
}

interface Collection {
  readonly classifier: Classifier;
  readonly dataset: Dataset;
  readonly samples: number;
  /** The identity comes first. */
  readonly transforms: readonly TestTimeTransform[];
}

/** Logits of every sample in place, and their mean over all transforms; each [samples, classes]. */
async function collectLogits({ classifier, dataset, samples, transforms }: Collection) {
  const { image, classes } = dataset;
  const plain = new Float32Array(samples * classes.length);
  const averaged = new Float64Array(samples * classes.length);
  for (let start = 0; start < samples; start += classifier.microBatch) {
    const images = testImages(dataset, start, Math.min(start + classifier.microBatch, samples));
    const moved = new Float32Array(images.length);
    const at = start * classes.length;
    for (const transform of transforms) {
      transformImages(moved, images, image, transform);
      const logits = await classifier.logits(moved);
      if (transform === transforms[0]) plain.set(logits, at);
      logits.forEach((logit, i) => (averaged[at + i]! += logit / transforms.length));
    }
  }
  return { plain, averaged };
}
