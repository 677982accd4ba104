import { expect, test } from 'vitest';
import { evaluationLines } from './evaluation.js';

test('shows accuracy, accuracy per class and the confusion matrix', () => {
  const evaluation = {
    accuracy: 0.75,
    loss: 0.5,
    perClass: [1, 0.5],
    confusion: [
      [1_200, 0],
      [600, 600],
    ],
    samples: 2_400,
    engine: 'onnxruntime/cpu',
  };
  const labels = { split: 'test', evaluatedWeights: 'last', classes: ['cat', 'dog'] } as const;
  expect(evaluationLines(evaluation, labels)).toEqual([
    'test accuracy 75.00 %, loss 0.5000, on 2,400 samples, by onnxruntime/cpu',
    '',
    'class  accuracy  samples',
    'cat    100.00 %    1,200',
    'dog     50.00 %    1,200',
    '',
    'true \\ answer   cat  dog',
    'cat            1200    0',
    'dog             600  600',
  ]);

  const [heldOut] = evaluationLines(evaluation, { ...labels, split: 'held-out', evaluatedWeights: 'average' });
  expect(heldOut).toBe(
    'held-out accuracy 75.00 % of the averaged weights, loss 0.5000, on 2,400 samples, by onnxruntime/cpu',
  );
});
