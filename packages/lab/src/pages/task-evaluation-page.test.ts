import { describe, expect, it } from 'vitest';
import type { TaskEvaluationDocument } from './task-evaluation-document.js';
import { taskEvaluationPage } from './task-evaluation-page.js';

const THROWS: TaskEvaluationDocument = {
  version: 1,
  run: 'demo',
  step: 20,
  checkpoint: '/runs/demo/checkpoints/step-20',
  weightsSha256: 'ab'.repeat(32),
  made: { at: '2026-11-29T01:20:00.000Z', version: '0.1.0+test' },
  trained: {
    ...{ preset: 'throws', seed: 1, epochs: 2, parameters: 4_545 },
    ...{ at: '2026-11-28T11:58:00.000Z', version: '0.1.0+then' },
  },
  datasetSha256: 'ef'.repeat(32),
  evaluatedWeights: 'last',
  dataset: 'throws',
  classes: [],
  split: 'test',
  samples: 408,
  loss: 0.6776,
  metrics: { '<metresOff>': 1.014 },
  engine: 'onnxruntime/cpu',
  training: {
    steps: 20,
    stepsPerEpoch: 10,
    loss: [{ step: 20, mean: 3, low: 2, high: 4 }],
    trainAccuracy: [],
    trainMetrics: { '<metresOff>': [{ step: 20, mean: 1.5 }] },
    learningRate: [{ step: 20, rate: 0.001 }],
    evaluations: [{ step: 20, split: 'test', loss: 0.6776, metrics: { '<metresOff>': 1.014 } }],
  },
};

const SHAPES: TaskEvaluationDocument = {
  ...THROWS,
  classes: ['star', 'square'],
  accuracy: 0.75,
  accuracyInterval: { low: 0.7, high: 0.8 },
  perClass: [0.5, 1],
  confusion: [
    [102, 102],
    [0, 204],
  ],
  calibration: {
    expectedCalibrationError: 0.0321,
    negativeLogLikelihood: 0.6776,
    brierScore: 0.1234,
    bins: [{ lower: 0.5, upper: 1, count: 408, confidence: 0.8, accuracy: 0.75 }],
  },
  topMistakes: [{ sample: 17, truth: 0, answer: 1, confidence: 0.998, truthProbability: 0.002 }],
};

const PICTURE = { width: 4, height: 4, rgb: new Uint8Array(48).fill(90) };

const titles = (page: string): string[] => [...page.matchAll(/<h2>([^<]*)/g)].map(([, title]) => title!);

/** A page's text without markup. */
const textOf = (page: string): string =>
  page
    .replaceAll('&nbsp;', ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');

describe('the page of an evaluation of a task', () => {
  it('shows figures and curves where answers are no classes, and nothing of accuracy', () => {
    const page = taskEvaluationPage(THROWS, []);
    expect(titles(page)).toEqual(['Result', 'Training', 'About this report']);
    expect(page).toContain('&lt;metresOff&gt; over epochs');
    expect(page).not.toContain('<metresOff>');
    expect(page).toContain('1.014');
    expect(page).not.toContain('Accuracy');
    expect(textOf(page)).toContain('Task throws');
  });

  it('shows where it errs where answers are classes, with pictures where samples are images', () => {
    const sections = ['Result', 'Training', 'Accuracy of each class', 'Confusion', 'Calibration'];
    expect(titles(taskEvaluationPage(SHAPES, []))).toEqual([...sections, 'About this report']);
    const page = taskEvaluationPage(SHAPES, [PICTURE]);
    expect(titles(page)).toEqual([...sections, 'Worst mistakes', 'About this report']);
    for (const text of ['75.00 %', '3.21 %', 'star, taken for square', 'test image 17'])
      expect(textOf(page)).toContain(text);
  });

  it('leaves out what nobody could read, and what was not measured', () => {
    const classes = Array.from({ length: 41 }, (_, i) => `c${i}`);
    const { calibration: _calibration, ...rest } = SHAPES;
    const confusion = classes.map(() => classes.map(() => 1));
    const many = { ...rest, classes, confusion, perClass: classes.map(() => 1 / 41) };
    expect(titles(taskEvaluationPage(many, []))).toEqual([
      ...['Result', 'Training', 'Accuracy of each class', 'About this report'],
    ]);
  });
});
