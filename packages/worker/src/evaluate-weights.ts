/**
 * Evaluates stored weights on the test split or on a run's held-out images, in this process and without a cluster: what
 * `facet evaluate` does.
 */
import { chooseSamples, TrainingError, type EngineWish, type ParameterLayout, type RunConfig } from '@facet/shared';
import { gatherSamples, type Dataset } from '@facet/datasets';
import { fillMicroBatch } from './data/micro-batch.js';
import type { EvaluationSlot } from './engine/compute.js';
import { formatEngine } from './engine/engine-id.js';
import { openEngine } from './engine/open-engine.js';
import { scoreLogits } from './train/score.js';

export interface EvaluateOptions {
  readonly config: RunConfig;
  /** Flat weights and where each parameter lies in them, as a checkpoint stores them. */
  readonly weights: Float32Array;
  readonly layout: readonly ParameterLayout[];
  readonly dataset: Dataset;
  readonly split: RunConfig['evaluation'];
  readonly engine: EngineWish;
  readonly threads: number;
}

export interface Evaluation {
  /** Fraction of correct answers. */
  readonly accuracy: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  /** Fraction of correct answers among the samples of each class. */
  readonly perClass: readonly number[];
  /** [true class][answer] */
  readonly confusion: readonly (readonly number[])[];
  readonly samples: number;
  /** What computed it, such as `onnxruntime/cpu`. */
  readonly engine: string;
}

/**
 * Evaluates weights on all images of a split that the run's configuration chooses.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when the weights belong to another model; CONFIG_INVALID when the run holds
 *   no images out, or the dataset has fewer than it asks for; ENGINE_UNAVAILABLE when no engine that was asked for works here.
 */
export async function evaluateWeights(options: EvaluateOptions): Promise<Evaluation> {
  const { config, dataset, split, engine: wish, threads } = options;
  const { image } = dataset;
  const ids = evaluatedIds(options);
  const images = split === 'test' ? dataset.test : dataset.train;
  const classes = dataset.classes.length;
  const microBatch = config.batch.micro;
  const { compute, choice } = await openEngine({
    wish,
    shape: { image, classes, config: config.model, microBatch, labelSmoothing: config.optimizer.labelSmoothing },
    threads,
  });
  requireSameLayout(compute.layout.slots, options.layout);
  compute.weights.set(options.weights);
  const confusion = new Uint32Array(classes * classes);
  let lossSum = 0;
  const [slot]: readonly EvaluationSlot[] = compute.evaluationSlots;
  for (let start = 0; start < ids.length; start += microBatch) {
    const part = ids.subarray(start, start + microBatch);
    const samples = gatherSamples(images, part);
    const { labels } = samples;
    fillMicroBatch(slot.tensors, { ids: part, ...samples }, { image, classes, seed: config.seed, epoch: 0 });
    await slot.run();
    lossSum += scoreLogits({ logits: slot.logits, labels, classes, confusion });
  }
  await compute.close();
  const rows = Array.from({ length: classes }, (_, row) => [...confusion.subarray(row * classes, (row + 1) * classes)]);
  const perClass = rows.map(
    (row, label) =>
      row[label]! /
      Math.max(
        1,
        row.reduce((sum, n) => sum + n, 0),
      ),
  );
  const engine = formatEngine(choice.engine);
  const correct = rows.reduce((sum, row, label) => sum + row[label]!, 0);
  const { length: count } = ids;
  return { accuracy: correct / count, loss: lossSum / count, perClass, confusion: rows, samples: count, engine };
}

function evaluatedIds({ config, dataset, split }: EvaluateOptions): Uint32Array {
  const sizes = { trainSamples: dataset.train.count, testSamples: dataset.test.count };
  const { testSamples, heldOut } = chooseSamples(config.samples, sizes);
  if (split === 'test') return Uint32Array.from({ length: testSamples }, (_, id) => id);
  if (heldOut.length > 0) return heldOut;
  throw new TrainingError(
    'CONFIG_INVALID',
    `run ${config.run} holds no images out (samples.heldOut is 0), so all of them were trained on; evaluate the test split`,
  );
}

function requireSameLayout(expected: readonly ParameterLayout[], actual: readonly ParameterLayout[]): void {
  const describe = (layout: ParameterLayout | undefined): string =>
    layout === undefined ? 'nothing' : `${layout.name} [${layout.shape.join(', ')}]`;
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    if (describe(expected[i]) === describe(actual[i])) continue;
    throw new TrainingError(
      'CHECKPOINT_INCOMPATIBLE',
      `the checkpoint's parameter ${i} is ${describe(actual[i])}, the model of this version has ${describe(expected[i])}; use the version of Facet that wrote it`,
    );
  }
}
