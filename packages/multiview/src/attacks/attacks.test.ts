/** Attacks against models of a few lines, for which the best attack is known in closed form. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomKey, randomStream } from '@facet/shared';
import { NORMS } from '../config/adversarial-schema.js';
import { marginOf, type Oracle } from './oracle.js';
import { attackByGradient, type PgdOptions } from './pgd.js';
import { attackBySquares } from './square.js';
import type { AttackResult, AttackSamples } from './standing.js';
import { rowOf } from './standing.js';
import { distanceOf, project, startAtRandom, type Threat } from './threat.js';

const IMAGE = { height: 6, width: 6, channels: 1 };
const PIXELS = 36;
const ROUNDING = 1e-5;

/** Two classes: logits (0, w.x + b). For label 0 the margin is w.x + b, for label 1 its negative, and so are gradients. */
function linearOracle(weights: Float32Array, bias: number): Oracle & { asked: number } {
  const score = (image: Float32Array): number => image.reduce((sum, pixel, i) => sum + pixel * weights[i]!, bias);
  const oracle = {
    image: IMAGE,
    classes: 2,
    asked: 0,
    async logits(images: Float32Array) {
      const count = images.length / PIXELS;
      oracle.asked += count;
      return Float32Array.from(
        { length: count * 2 },
        (_, i) => (i % 2) * score(rowOf(images, Math.floor(i / 2), PIXELS)),
      );
    },
    async gradient(images: Float32Array, labels: Uint8Array) {
      const logits = await oracle.logits(images);
      const losses = Float32Array.from(labels, (label, i) => marginOf(rowOf(logits, i, 2), label));
      const gradient = images.map((_, i) => weights[i % PIXELS]! * (labels[Math.floor(i / PIXELS)] === 0 ? 1 : -1));
      return { logits, losses, gradient };
    },
  };
  return oracle;
}

/** Weights of both signs, and images in the middle of the box, where no attack meets its walls. */
function toy(seed: number, count = 3): { weights: Float32Array; samples: AttackSamples } {
  const stream = randomStream(randomKey('initialisation', seed));
  const weights = Float32Array.from({ length: PIXELS }, () => stream.nextNormal());
  const images = Float32Array.from({ length: count * PIXELS }, () => 0.4 + 0.2 * stream.nextUniform());
  return {
    weights,
    samples: { ids: Uint32Array.from({ length: count }, (_, i) => 100 + i), labels: new Uint8Array(count), images },
  };
}

/** The largest margin that a linear model allows inside the ball: eps times the dual norm of its weights. */
function bestGain(weights: Float32Array, { norm, eps }: Threat): number {
  return norm === 'linf' ? eps * weights.reduce((sum, w) => sum + Math.abs(w), 0) : eps * Math.hypot(...weights);
}

/** A bias that keeps every sample correct, whatever the ball allows. */
const UNBREAKABLE = -1_000;

const pgdOptions = (threat: Threat, more: Partial<PgdOptions> = {}): PgdOptions => ({
  threat,
  loss: 'margin',
  steps: 12,
  stepSize: threat.eps / 4,
  restarts: 1,
  start: 'random',
  seed: 1,
  ...more,
});

async function cleanMargins(oracle: Oracle, { images, labels }: AttackSamples): Promise<number[]> {
  const logits = await oracle.logits(images);
  return [...labels].map((label, i) => marginOf(rowOf(logits, i, 2), label));
}

function expectInside({ images }: AttackResult, samples: AttackSamples, threat: Threat): void {
  expect(images.every((pixel) => pixel >= 0 && pixel <= 1)).toBe(true);
  for (const i of samples.labels.keys()) {
    const distance = distanceOf(rowOf(images, i, PIXELS), rowOf(samples.images, i, PIXELS), threat.norm);
    expect(distance).toBeLessThanOrEqual(threat.eps + ROUNDING);
  }
}

describe.each(NORMS)('in the %s ball', (norm) => {
  const threat: Threat = { norm, eps: norm === 'linf' ? 0.1 : 0.3 };

  it('PGD finds the best attack on a linear model, from a clean and from a random start', async () => {
    const { weights, samples } = toy(1);
    const oracle = linearOracle(weights, UNBREAKABLE);
    const clean = await cleanMargins(oracle, samples);
    for (const start of ['clean', 'random'] as const) {
      const { margins } = await attackByGradient(oracle, samples, pgdOptions(threat, { start, steps: 40 }));
      margins.forEach((margin, i) => {
        expect((margin - clean[i]!) / bestGain(weights, threat)).toBeCloseTo(1, 2);
      });
    }
  });

  it('FGSM is the best attack on a linear model in one step', async () => {
    const { weights, samples } = toy(2);
    const oracle = linearOracle(weights, UNBREAKABLE);
    const clean = await cleanMargins(oracle, samples);
    const options = pgdOptions(threat, { start: 'clean', steps: 1, stepSize: threat.eps });
    const { margins } = await attackByGradient(oracle, samples, options);
    margins.forEach((margin, i) => {
      expect((margin - clean[i]!) / bestGain(weights, threat)).toBeCloseTo(1, 3);
    });
  });

  it('Square comes near the best attack without a gradient', async () => {
    const { weights, samples } = toy(3);
    const oracle = linearOracle(weights, UNBREAKABLE);
    const clean = await cleanMargins(oracle, samples);
    const { margins } = await attackBySquares(oracle, samples, { threat, queries: 2_000, seed: 1 });
    margins.forEach((margin, i) => {
      expect((margin - clean[i]!) / bestGain(weights, threat)).toBeGreaterThan(norm === 'linf' ? 0.95 : 0.6);
    });
  });

  it('stays inside the ball and the box, and ends no milder than it began, for any model and images', async () => {
    const cases = fc.record({
      seed: fc.integer({ min: 0, max: 1_000_000 }),
      eps: fc.double({ min: 1e-4, max: 4, noNaN: true }),
      bias: fc.double({ min: -20, max: 20, noNaN: true }),
      loud: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ seed, eps, bias, loud }) => {
        const { weights, samples: calm } = toy(seed);
        // Images with pixels on the walls of the box.
        const samples = loud ? { ...calm, images: calm.images.map((pixel) => Math.round(pixel * 3) % 2) } : calm;
        const oracle = linearOracle(weights, bias);
        const clean = await cleanMargins(oracle, samples);
        const any = { norm, eps };
        const results = [
          await attackByGradient(oracle, samples, pgdOptions(any, { restarts: 2, steps: 4 })),
          await attackBySquares(oracle, samples, { threat: any, queries: 8, seed }),
        ];
        for (const result of results) {
          expectInside(result, samples, any);
          result.margins.forEach((margin, i) => {
            expect(margin).toBeGreaterThanOrEqual(Math.fround(clean[i]!));
          });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('starts at random inside the ball, and elsewhere for another sample', () => {
    const origin = new Float32Array(PIXELS).fill(0.5);
    const starts = [1, 2].map((id) => {
      const image = origin.slice();
      startAtRandom(image, origin, threat, randomStream(randomKey('attack', 0, id, 0)));
      return image;
    });
    for (const start of starts) {
      expect(distanceOf(start, origin, norm)).toBeLessThanOrEqual(threat.eps + ROUNDING);
      expect(distanceOf(start, origin, norm)).toBeGreaterThan(threat.eps / 2);
    }
    expect(starts[0]).not.toEqual(starts[1]);
  });

  it('projecting twice is projecting once', () => {
    const { samples } = toy(4, 1);
    const image = samples.images.map((pixel, i) => pixel + (i % 3) - 1);
    project(image, samples.images, threat);
    const once = image.slice();
    project(image, samples.images, threat);
    image.forEach((pixel, i) => {
      expect(pixel).toBeCloseTo(once[i]!, 6);
    });
  });
});

describe('an attack', () => {
  const threat: Threat = { norm: 'linf', eps: 0.1 };

  it('depends on the id of a sample, not on its place or its neighbours', async () => {
    const { weights, samples } = toy(5);
    const oracle = linearOracle(weights, UNBREAKABLE);
    const together = await attackByGradient(oracle, samples, pgdOptions(threat, { steps: 2 }));
    const alone: AttackSamples = {
      ids: samples.ids.slice(2),
      labels: samples.labels.slice(2),
      images: samples.images.slice(2 * PIXELS),
    };
    const byItself = await attackByGradient(oracle, alone, pgdOptions(threat, { steps: 2 }));
    expect(byItself.images).toEqual(together.images.slice(2 * PIXELS));
    const squares = { threat, queries: 20, seed: 3 };
    const squareTogether = await attackBySquares(oracle, samples, squares);
    const squareAlone = await attackBySquares(oracle, alone, squares);
    expect(squareAlone.images).toEqual(squareTogether.images.slice(2 * PIXELS));
  });

  it('asks nothing more about a sample that is broken', async () => {
    const { weights, samples } = toy(6);
    const clean = await cleanMargins(linearOracle(weights, 0), samples);
    const bias = -Math.max(...clean) - 0.25 * bestGain(weights, threat);
    const oracle = linearOracle(weights, bias);
    const options = pgdOptions(threat, { start: 'clean', steps: 1_000, restarts: 5 });
    const { isBroken } = await attackByGradient(oracle, samples, options);
    expect([...isBroken]).toContain(1);
    const first = oracle.asked;
    const broken = [...isBroken.keys()].filter((i) => isBroken[i] === 1);
    const easy: AttackSamples = {
      ids: Uint32Array.from(broken, (i) => samples.ids[i]!),
      labels: new Uint8Array(broken.length),
      images: Float32Array.from(broken.flatMap((i) => [...rowOf(samples.images, i, PIXELS)])),
    };
    oracle.asked = 0;
    await attackByGradient(oracle, easy, options);
    expect(oracle.asked).toBeLessThan(10 * broken.length);
    expect(first).toBeGreaterThanOrEqual(oracle.asked);
  });

  it('only gains by restarts and by steps, since more contain fewer', async () => {
    // A curved model: the margin of each image has many hills over its first two pixels.
    const hills: Oracle = {
      image: IMAGE,
      classes: 2,
      async logits(images) {
        const value = (row: Float32Array): number =>
          Math.sin(60 * row[0]!) * Math.cos(45 * row[1]!) + row[0]! + UNBREAKABLE;
        return Float32Array.from({ length: (images.length / PIXELS) * 2 }, (_, i) =>
          i % 2 === 0 ? 0 : value(rowOf(images, Math.floor(i / 2), PIXELS)),
        );
      },
      async gradient(images, labels) {
        const logits = await hills.logits(images);
        const gradient = new Float32Array(images.length);
        for (const i of labels.keys()) {
          const [x, y] = [images[i * PIXELS]!, images[i * PIXELS + 1]!];
          gradient[i * PIXELS] = 60 * Math.cos(60 * x) * Math.cos(45 * y) + 1;
          gradient[i * PIXELS + 1] = -45 * Math.sin(60 * x) * Math.sin(45 * y);
        }
        return { logits, losses: new Float32Array(labels.length), gradient };
      },
    };
    const { samples } = toy(7, 8);
    const margins = async (more: Partial<PgdOptions>): Promise<Float32Array> =>
      (await attackByGradient(hills, samples, pgdOptions(threat, { steps: 2, stepSize: 0.01, ...more }))).margins;
    const few = await margins({});
    for (const more of [await margins({ restarts: 4 }), await margins({ steps: 20 })]) {
      expect([...more.keys()].every((i) => more[i]! >= few[i]!)).toBe(true);
      expect([...more.keys()].some((i) => more[i]! > few[i]!)).toBe(true);
    }
  });
});
