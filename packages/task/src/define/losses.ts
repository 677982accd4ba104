/**
 * Losses by name. Each gives one number for every sample; the system sums them. Where an answer has several numbers, a
 * sample's loss is their mean.
 */
import * as tf from '@tensorflow/tfjs';
import { crossEntropy } from '@facet/compiler';
import { TrainingError } from '@facet/shared';
import type { LossContext, LossName, PerSample, SampleTensors } from './define-task.js';

/** The loss of a name. */
export function lossOf(name: LossName): PerSample {
  return LOSSES[name];
}

/** Where an error is no longer squared in `huber`. */
const HUBER_DELTA = 1;

const LOSSES: Readonly<Record<LossName, PerSample>> = {
  /**
   * -sum_j t_j log softmax(z)_j, in nats. The target is the index of a class, or a distribution over the classes; of a
   * sequence, one for each place.
   */
  crossEntropy(logits, sample, context) {
    const classes = logits.shape.at(-1)!;
    const target = targetOf(sample, context);
    const rows = logits.size / classes;
    const targets = target.dtype === 'int32' ? oneHot(target, classes) : target;
    requireSize(targets, logits, context);
    const losses = crossEntropy({
      logits: logits.reshape<tf.Tensor2D>([rows, classes]),
      targets: targets.reshape<tf.Tensor2D>([rows, classes]),
      labelSmoothing: context.labelSmoothing,
    });
    return meanOfSample(losses.reshape(logits.shape.slice(0, -1)));
  },
  /** max(z, 0) - z t + log(1 + exp(-|z|)) of a logit z, which is -t log s(z) - (1 - t) log(1 - s(z)) without overflow. */
  binaryCrossEntropy: compared((z, t) => z.relu().sub(z.mul(t)).add(tf.log1p(z.abs().neg().exp()))),
  meanSquaredError: compared((answer, target) => answer.sub(target).square()),
  /** |e|; its slope is 0 at 0. That of tf.abs is -1 there, so that an exact answer would be moved. */
  meanAbsoluteError: compared((answer, target) => {
    const error = answer.sub(target);
    return error.relu().add(error.neg().relu());
  }),
  /** e^2 / 2 for |e| up to 1, and |e| - 1/2 beyond (Huber 1964). */
  huber: compared((answer, target) => {
    const error = answer.sub(target).abs();
    const squared = error.minimum(HUBER_DELTA);
    return squared.square().mul(0.5).add(error.sub(squared).mul(HUBER_DELTA));
  }),
};

/** A loss that compares every number of the answer with one of the target. */
function compared(lossesOf: (answer: tf.Tensor, target: tf.Tensor) => tf.Tensor): PerSample {
  return (prediction, sample, context) => {
    const target = targetOf(sample, context).cast('float32');
    requireSize(target, prediction, context);
    return meanOfSample(lossesOf(prediction, target.reshape(prediction.shape)));
  };
}

/** For sequences, the share of the places whose largest logit is that of the class, [microBatch]. */
export function shareCorrect(logits: tf.Tensor, sample: SampleTensors, context: LossContext): tf.Tensor {
  return meanOfSample(isCorrect(logits, sample, context));
}

/** 1 for the answers whose largest logit is that of the class, [microBatch]. */
export function isCorrect(logits: tf.Tensor, sample: SampleTensors, context: LossContext): tf.Tensor {
  return logits.argMax(-1).equal(targetOf(sample, context)).cast('float32');
}

function oneHot(labels: tf.Tensor, classes: number): tf.Tensor {
  return labels
    .expandDims(-1)
    .equal(tf.tensor1d([...Array(classes).keys()], 'int32'))
    .cast('float32');
}

/** [microBatch, ...] -> [microBatch] */
function meanOfSample(values: tf.Tensor): tf.Tensor {
  const [rows] = values.shape as [number];
  return values.rank === 1 ? values : values.reshape([rows, values.size / rows]).mean(1);
}

/** @throws TrainingError TASK_INVALID when no field has that name. */
function targetOf(sample: SampleTensors, { target }: LossContext): tf.Tensor {
  const found = sample[target];
  if (found !== undefined) return found;
  throw new TrainingError(
    'TASK_INVALID',
    `the loss compares with the field ${target}, but the samples have ${Object.keys(sample).join(', ')}; set target`,
  );
}

function requireSize(target: tf.Tensor, prediction: tf.Tensor, { target: name }: LossContext): void {
  if (target.size === prediction.size) return;
  throw new TrainingError(
    'TASK_INVALID',
    `the answer is [${prediction.shape.join(', ')}], but the target ${name} is [${target.shape.join(', ')}]; give the model as many outputs as the target has numbers`,
  );
}
