/**
 * Evaluates stored weights on the test split or on a run's held-out images, in this process and without a cluster, for
 * `facet evaluate`. It feeds the samples and keeps the logits. The figures are computed in evaluation/.
 */
import { datasetDefinition, type ParameterLayout, type RunConfig } from '@facet/shared';
import type { MultiView } from '@facet/multiview/config';
import { gatherSamples, type Dataset, type Split } from '@facet/datasets';
import { openClassifier, type Classifier, type ClassifierPlace } from '../models/classifier.js';
import { evaluatedIds, sizesOf, sourceOf } from './evaluated-ids.js';
import { wholeImages } from './whole-images.js';
import { namedBy, scoreAnswers, type Scores } from './scores.js';
import { IDENTITY, testTimeTransforms, transformImages, type TestTimeTransform } from './test-time-transforms.js';

export interface EvaluateOptions extends ClassifierPlace {
  readonly config: MultiView;
  /** Flat weights and where each parameter lies in them, as a checkpoint stores them. */
  readonly weights: Float32Array;
  readonly layout: readonly ParameterLayout[];
  readonly dataset: Dataset;
  readonly split: RunConfig['evaluation'];
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
  /** What computed it, such as `onnxruntime/cpu`. */
  readonly engine: string;
  /** Present when test-time augmentation was asked for. */
  readonly augmented?: AugmentedScores;
}

/**
 * Evaluates weights on all images of a split that the run's configuration chooses.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when the weights belong to another model; CONFIG_INVALID when the run holds
 *   no images out, or the dataset has fewer than it asks for; ENGINE_UNAVAILABLE when no engine that was asked for works
 *   here; NON_FINITE naming a sample.
 */
export async function evaluateWeights(options: EvaluateOptions): Promise<Evaluation> {
  const { config, dataset, augmentation = 'none' } = options;
  const { image } = dataset;
  const classes = dataset.classes.length;
  const ids = evaluatedIds({ ...options, sizes: sizesOf(dataset) });
  const isAugmented = augmentation === 'test-time';
  const transforms = isAugmented ? testTimeTransforms(datasetDefinition(config.dataset).traits) : [IDENTITY];
  const classifier = await openClassifier({ ...options, image, classes }, options);
  try {
    const source = sourceOf(options);
    const { plain, averaged } = await collectLogits({ classifier, dataset, source, ids, transforms });
    const { labels } = gatherSamples(source, ids);
    const score = (logits: Float32Array | Float64Array): Scores => namedBy(ids, scoreAnswers(logits, labels, classes));
    const scores = { samples: ids.length, engine: classifier.engine, ...score(plain) };
    if (!isAugmented) return scores;
    const names = transforms.map(({ name }) => name);
    return { ...scores, augmented: { transforms: names, ...score(averaged) } };
  } finally {
    await classifier.close();
  }
}

interface Collection {
  readonly classifier: Classifier;
  readonly dataset: Dataset;
  readonly source: Split;
  readonly ids: Uint32Array;
  /** The identity comes first. */
  readonly transforms: readonly TestTimeTransform[];
}

/** Logits of every sample in place, and their mean over all transforms; each [samples, classes]. */
async function collectLogits({ classifier, dataset, source, ids, transforms }: Collection) {
  const { image, classes } = dataset;
  const samples = ids.length;
  const plain = new Float32Array(samples * classes.length);
  const averaged = new Float64Array(samples * classes.length);
  for (let start = 0; start < samples; start += classifier.microBatch) {
    const images = wholeImages(dataset, source, ids.subarray(start, start + classifier.microBatch));
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
