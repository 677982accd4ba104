import { expect, it } from 'vitest';
import { robustnessPage, type RobustnessDocument } from './robustness-page.js';

const DOCUMENT: RobustnessDocument = {
  version: 1,
  run: 'demo',
  step: 70,
  checkpoint: '/runs/demo/checkpoints/step-70',
  weightsSha256: 'ab'.repeat(32),
  made: { at: '2026-11-29T01:20:00.000Z', version: '0.1.0+test' },
  trained: {
    ...{ preset: 'mnist-fast', seed: 42, epochs: 3, parameters: 82_698 },
    ...{ at: '2026-11-28T11:58:00.000Z', version: '0.1.0+then' },
  },
  datasetSha256: 'ef'.repeat(32),
  dataset: 'mnist',
  samples: 200,
  seed: 3,
  clean: { accuracy: 0.965, loss: 0.1234 },
  attacks: [
    {
      name: 'pgd',
      norm: 'linf',
      eps: 0.3,
      method: { kind: 'gradient', loss: 'cross-entropy', steps: 40, stepSize: 0.01, restarts: 1, start: 'random' },
      accuracy: 0.125,
      meanMargin: 3.21,
      seconds: 4.2,
    },
    {
      name: 'square',
      norm: 'linf',
      eps: 0.3,
      method: { kind: 'square', queries: 1_000 },
      accuracy: 0.35,
      meanMargin: -0.5,
      seconds: 2,
    },
  ],
  worstCase: [{ norm: 'linf', eps: 0.3, accuracy: 0.105 }],
  curves: [
    {
      norm: 'linf',
      steps: 20,
      points: [
        { eps: 0, accuracy: 0.965 },
        { eps: 0.15, accuracy: 0.41 },
      ],
    },
  ],
  checks: [
    { name: 'gradients-reach-the-pixels', norm: null, claim: 'A > B', verdict: 'pass', detail: '200 of 200' },
    { name: 'huge-eps', norm: 'linf', claim: 'C', verdict: 'fail', detail: '3.0 % survive' },
    { name: 'restarts', norm: null, claim: 'D', verdict: 'skipped', detail: 'pgd-margin was not asked for' },
  ],
  corruptions: {
    source: 'generated',
    results: [{ name: 'shot_noise', accuracies: [0.91, 0.82] }],
    meanAccuracy: 0.865,
    meanError: 0.135,
  },
  seconds: 61,
};

const image = { width: 2, height: 2, rgb: new Uint8Array(12) };
const ATTACKED = [{ attack: 'pgd, linf 0.3', pictures: [{ clean: image, attacked: image, truth: '3', answer: '8' }] }];

function textOf(page: string): string {
  return page
    .replaceAll('&nbsp;', ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');
}

it.each([
  [
    'the result',
    ['Clean accuracy 96.50 %', 'Under all attacks, linf, eps 0.3 10.50 %', 'Mean over corruptions 86.50 %'],
  ],
  [
    'that a check failed',
    ['1 of 3 failed', 'do not believe the numbers: failed huge-eps (linf); not checked restarts'],
  ],
  ['every attack with its interval', ['12.50 % 8.61 to 17.80 %', '3.21', 'square linf 0.3 1,000 queries 35.00 %']],
  ['every check', ['gradients-reach-the-pixels passed A &gt; B 200 of 200', 'huge-eps linf failed C 3.0 % survive']],
  ['every corruption and its mean', ['shot noise 91.0 % 82.0 % 86.5 %']],
  ['what became of images', ['taken for 8']],
  [
    'where it comes from',
    [DOCUMENT.checkpoint, DOCUMENT.weightsSha256, '0.1234', '1:01', '2026-11-29 01:20 UTC', '82,698'],
  ],
  ['how sure it is of corruptions', ['95 % interval within', '95 % interval of each: at most ± 6.9 points']],
])('says %s', (_, texts) => {
  const text = textOf(robustnessPage(DOCUMENT, ATTACKED));
  for (const each of texts) expect(text).toContain(each);
});

it('describes the curve in words, and loads nothing', () => {
  const page = robustnessPage(DOCUMENT, ATTACKED);
  expect(page).toContain('aria-label="Accuracy over eps in linf: 0 96.5&nbsp;%, 0.15 41.0&nbsp;%"');
  expect(page).not.toMatch(/https?:|url\(|<script|<link/);
});

it('marks every attack of the table by a shape of its own, in the colour of what was attacked', () => {
  const page = robustnessPage(DOCUMENT, ATTACKED);
  const chart = /class="wide"[^>]* aria-label="Accuracy over eps[^]*?<\/svg>/.exec(page)![0];
  const marks = [...chart.matchAll(/<g class="tone-attacked">\s*<path\s+class="mark"[^>]* d="([^"]*)"/g)];
  expect(marks).toHaveLength(DOCUMENT.attacks.length);
  expect(new Set(marks.map(([, shape]) => shape)).size).toBe(DOCUMENT.attacks.length);
});

it('leaves out attacks or corruptions that were not asked for', () => {
  const corrupted = robustnessPage({ ...DOCUMENT, attacks: [], worstCase: [], curves: [], checks: [] }, []);
  expect(corrupted).not.toContain('Sanity checks');
  expect(robustnessPage({ ...DOCUMENT, corruptions: null }, ATTACKED)).not.toContain('Corruptions');
});
