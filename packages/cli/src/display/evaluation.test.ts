import { expect, test } from 'vitest';
import type { Scores } from '@facet/lab';
import { evaluationLines } from './evaluation.js';

const scores: Scores = {
  accuracy: 0.75,
  accuracyInterval: { low: 0.732, high: 0.767 },
  loss: 0.5,
  perClass: [1, 0.5],
  confusion: [
    [1_200, 0],
    [600, 600],
  ],
  calibration: {
    expectedCalibrationError: 0.0123,
    negativeLogLikelihood: 0.5,
    brierScore: 0.21,
    bins: [
      { lower: 0, upper: 0.5, count: 0, confidence: null, accuracy: null },
      { lower: 0.5, upper: 1, count: 2_400, confidence: 0.7623, accuracy: 0.75 },
    ],
  },
  topMistakes: [{ sample: 17, truth: 1, answer: 0, confidence: 0.998, truthProbability: 0.002 }],
};
const labels = { split: 'test', evaluatedWeights: 'last', classes: ['cat', 'dog'] } as const;
const evaluation = { ...scores, samples: 2_400, engine: 'onnxruntime/cpu' };

test('shows accuracy, accuracy per class, the confusion matrix, reliability and the worst mistakes', () => {
  expect(evaluationLines(evaluation, labels)).toEqual([
    'test accuracy 75.00 %, 95 % interval 73.20 to 76.70 %, loss 0.5000, calibration error 1.23 %, Brier score 0.2100, on 2,400 images, by onnxruntime/cpu',
    '',
    'class  accuracy      95 % interval  samples',
    'cat    100.00 %  99.68 to 100.00 %    1,200',
    'dog     50.00 %   47.18 to 52.82 %    1,200',
    '',
    'true \\ answer   cat  dog',
    'cat            1200    0',
    'dog             600  600',
    '',
    'confidence   mean confidence  accuracy     95 % interval  answers',
    '50 to 100 %          76.23 %   75.00 %  73.23 to 76.69 %    2,400',
    '',
    'worst mistake   true  answer  confidence',
    'test sample 17  dog   cat        99.80 %',
  ]);

  const [heldOut] = evaluationLines(evaluation, { ...labels, split: 'held-out', evaluatedWeights: 'average' });
  expect(heldOut).toBe(
    'held-out accuracy 75.00 % of the averaged weights, 95 % interval 73.20 to 76.70 %, loss 0.5000, calibration error 1.23 %, Brier score 0.2100, on 2,400 images, by onnxruntime/cpu',
  );
});

test('shows the scores with test-time augmentation beside the plain ones', () => {
  const augmented = { ...scores, accuracy: 0.76, transforms: ['identity', 'left'] };
  const lines = evaluationLines({ ...evaluation, augmented }, labels);
  expect(lines[1]).toBe(
    'with test-time augmentation (2 looks): accuracy 76.00 %, 95 % interval 73.20 to 76.70 %, loss 0.5000, calibration error 1.23 %, Brier score 0.2100',
  );
});
