/** The losses that a task names, and their gradients, against PyTorch's. */
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, it } from 'vitest';
import { lossOf } from '../packages/task/src/define/losses.js';
import { LOSS_NAMES, type LossName } from '../packages/task/src/define/define-task.js';
import { expectClose, storedNumbers } from './stored-numbers.js';

interface LossCase {
  readonly name: string;
  readonly loss: LossName;
  readonly answer: readonly number[][];
  readonly target: readonly number[] | readonly number[][];
  readonly labelSmoothing: number;
  readonly isIndex: boolean;
  readonly losses: readonly number[];
  readonly gradient: readonly number[];
}

const { cases } = storedNumbers<{ readonly cases: readonly LossCase[] }>('losses');

beforeAll(() => tf.setBackend('cpu'));

it('has a case for every loss', () => {
  expect(new Set(cases.map(({ loss }) => loss))).toEqual(new Set(LOSS_NAMES));
});

it.each(cases)('$loss: $name', ({ loss, answer, target, labelSmoothing, isIndex, losses, gradient }) => {
  const sample = { label: tf.tensor(target, undefined, isIndex ? 'int32' : 'float32') };
  const of = (prediction: tf.Tensor): tf.Tensor =>
    lossOf(loss)(prediction, sample, { classes: answer[0]!.length, target: 'label', labelSmoothing });
  const prediction = tf.tensor(answer);
  expectClose(of(prediction).dataSync(), losses, 1e-6, 'losses');
  const slopes = tf.grad((z) => of(z).sum<tf.Scalar>())(prediction);
  expectClose(slopes.dataSync(), gradient, 1e-6, 'gradient');
});
