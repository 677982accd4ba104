import { describe, expect, it } from 'vitest';
import type { EvaluationDocument, EvaluationPictures } from './evaluation-document.js';
import { evaluationPage } from './evaluation-page.js';

const SAMPLE = {
  sample: 7,
  truth: 1,
  answer: 1,
  confidence: 0.91,
  pooling: [0.1, 0.2, 0.3, 0.4],
  heads: [[[0.7, 0.1, 0.1, 0.1]], [[0.25, 0.25, 0.25, 0.25]]],
};

const DOCUMENT: EvaluationDocument = {
  version: 1,
  run: 'demo',
  step: 1_234,
  checkpoint: '/runs/demo/checkpoints/step-1234',
  weightsSha256: 'ab'.repeat(32),
  made: { at: '2026-11-29T01:20:00.000Z', version: '0.1.0+test' },
  trained: {
    ...{ preset: 'mnist-fast', seed: 42, epochs: 3, parameters: 82_698 },
    ...{ at: '2026-11-28T11:58:00.000Z', version: '0.1.0+then' },
  },
  datasetSha256: 'ef'.repeat(32),
  evaluatedWeights: 'average',
  dataset: 'mnist',
  classes: ['<cat>', 'dog & co'],
  split: 'test',
  samples: 3_000,
  engine: 'onnxruntime/cpu',
  accuracy: 0.9512,
  accuracyInterval: { low: 0.9429, high: 0.9584 },
  loss: 0.4567,
  perClass: [0.9633, 0.9391],
  confusion: [
    [1_445, 55],
    [91, 1_409],
  ],
  calibration: {
    expectedCalibrationError: 0.0321,
    negativeLogLikelihood: 0.4567,
    brierScore: 0.1234,
    bins: [
      { lower: 0, upper: 0.5, count: 0, confidence: null, accuracy: null },
      { lower: 0.5, upper: 1, count: 3_000, confidence: 0.9212, accuracy: 0.9512 },
    ],
  },
  topMistakes: [{ sample: 17, truth: 1, answer: 0, confidence: 0.998, truthProbability: 0.002 }],
  training: {
    steps: 2_000,
    stepsPerEpoch: 1_000,
    trainAccuracy: [
      { step: 1_000, accuracy: 0.81 },
      { step: 2_000, accuracy: 0.82 },
    ],
    trainMetrics: {},
    learningRate: [1, 2_000].map((step) => ({ step, rate: 1 / step })),
    loss: [1, 2].map((step) => ({ step, mean: step, low: step, high: step })),
    evaluations: [
      { step: 1_000, split: 'test', accuracy: 0.8765, loss: 0.5 },
      { step: 2_000, split: 'test', accuracy: 0.8654, loss: 0.6 },
    ],
  },
  inspection: {
    side: 2,
    tokenPixels: 2,
    seen: ['image'],
    views: ['identity', 'zoom-in'],
    viewWeights: [[0.61, 0.39]],
    correspondence: {
      images: 256,
      topCount: 1,
      scores: [{ kind: 'view', name: 'zoom-in', score: 0.625, chance: 0.25, otherImages: 0.375 }],
    },
    samples: [SAMPLE],
  },
  compared: null,
};

const image = { width: 4, height: 4, rgb: new Uint8Array(48).fill(90) };
const PICTURES: EvaluationPictures = { mistakes: [image], samples: [{ image, views: [image, image] }] };

/** A page's text without markup. */
function textOf(page: string): string {
  return page
    .replace(/<style>.*<\/style>/s, '')
    .replaceAll('&nbsp;', ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
}

describe('the page of an evaluation', () => {
  const page = evaluationPage(DOCUMENT, PICTURES);

  it.each([
    ['the result', ['95.12 %', '94.29 to 95.84 %', '0.4567', '3.21 %', '0.1234', '3,000 test images of mnist']],
    ['every class', ['96.33 % of 1,500 (95.25 to 97.17 %)', '93.91 % of 1,500 (']],
    ['the confusion', ['1,445', '55', '91', '1,409']],
    ['the training', ['2,000 committed steps', 'last 86.54 %', 'best 87.65 % after step 1,000 (epoch 1)']],
    ['the calibration', ['50 to 100 %', '92.12 %', '94.29 to 95.83 %']],
    ['the mistakes', ['dog &amp; co, taken for &lt;cat&gt;', '99.80 % sure', 'test image 17']],
    ['the view weights', ['block 1, identity', '61.0 %', '39.0 %']],
    [
      'the attention',
      ['dog &amp; co, read correctly (91.00 % sure), image 7', 'up to 40.0 %', 'head 2', 'up to 25.0 %'],
    ],
    ['the correspondence', ['through zoom-in 0.625 0.250 0.375 0.375', 'first 256 images']],
    [
      'where it comes from',
      [DOCUMENT.checkpoint, DOCUMENT.weightsSha256, DOCUMENT.datasetSha256, 'moving average', 'onnxruntime/cpu'],
    ],
    [
      'when, by what, and of which training it was made',
      [
        ...['Made 2026-11-29 01:20 UTC', 'By Facet 0.1.0+test', 'Preset mnist-fast', 'Seed of the training 42'],
        ...['Parameters 82,698', 'Trained 3 epochs, until 2026-11-28 11:58 UTC, by Facet 0.1.0+then'],
      ],
    ],
  ])('says %s', (_, texts) => {
    for (const text of texts) expect(textOf(page)).toContain(text);
  });

  it('has one colour for each split, in every chart', () => {
    const classes = [...page.matchAll(/class="tone-([\w-]+)"/g)].map(([, tone]) => tone);
    expect(new Set(classes)).toEqual(new Set(['training', 'test', 'warm', 'neutral']));
    const legends = [...page.matchAll(/<li class="([\w-]+)">[^]*?<\/svg>\s*([^<]*?)\s*<\/li>/g)];
    expect(new Set(legends.map(([, tone, name]) => `${name}: ${tone}`))).toEqual(
      new Set([
        ...['training: tone-training', 'test: tone-test'],
        ...['this checkpoint, test images: tone-test', 'perfect calibration: tone-neutral'],
      ]),
    );
  });

  it('has loss, training accuracy and learning rate over whole epochs', () => {
    for (const label of ['Loss over epochs', 'Accuracy over epochs', 'Learning rate over epochs']) {
      const chart = new RegExp(`class="wide"[^>]* aria-label="${label}[^]*?</svg>`).exec(page)![0];
      expect(chart).toContain('<g class="tone-training">');
      const across = [...chart.matchAll(/text-anchor="middle">\s*([\d.]+)\s*</g)].map(([, tick]) => tick);
      expect(across).toEqual(['0', '1', '2']);
    }
  });

  it('says nothing of a class without images', () => {
    const confusion = [[0, 0], DOCUMENT.confusion[1]!];
    const text = textOf(evaluationPage({ ...DOCUMENT, confusion, perClass: [0, 0.9391] }, PICTURES));
    expect(text).toContain('&lt;cat&gt; no images');
    expect(text).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('loads nothing', () => {
    expect(page).not.toMatch(/https?:|url\(|<script|<link/);
    for (const [, source] of page.matchAll(/src="([^"]*)"/g)) expect(source).toMatch(/^data:image\/png;base64,/);
  });

  it('says what --compare and --tta found, when they were asked for', () => {
    const { accuracy, accuracyInterval, loss, perClass, confusion, calibration, topMistakes } = DOCUMENT;
    const scores = { accuracy, accuracyInterval, loss, perClass, confusion, calibration, topMistakes };
    const compared = { run: 'other', step: 9, checkpoint: '/runs/other/step-9', weightsSha256: 'cd'.repeat(32) };
    const augmented = { ...scores, accuracy: 0.9555, transforms: ['identity', 'left'] };
    const text = textOf(evaluationPage({ ...DOCUMENT, compared, augmented }, PICTURES));
    expect(text).toContain(
      'With test-time augmentation 95.55 % 95 % interval 94.29 to 95.84 %; mean over 2 looks at each image',
    );
    expect(text).toContain('/runs/other/step-9');
  });

  it('leaves out what there is not: no ledger, no inspection, no mistakes', () => {
    const bare = { ...DOCUMENT, training: null, inspection: null, topMistakes: [] };
    const text = textOf(evaluationPage(bare, { mistakes: [], samples: [] }));
    for (const absent of ['Training', 'Worst mistakes', 'View weights', 'looks at']) expect(text).not.toContain(absent);
  });
});

it('with cross-view attention every head is shown on every view', () => {
  const heads = [[SAMPLE.pooling, SAMPLE.pooling, SAMPLE.pooling]];
  const inspection = {
    ...DOCUMENT.inspection!,
    seen: ['image', 'identity', 'zoom-in'],
    samples: [{ ...SAMPLE, heads }],
  };
  const text = textOf(evaluationPage({ ...DOCUMENT, inspection }, PICTURES));
  for (const head of ['head 1 ', 'head 1, identity', 'head 1, zoom-in']) expect(text).toContain(head);
});
