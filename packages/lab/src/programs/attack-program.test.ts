import * as tf from '@tensorflow/tfjs';
import { describe, expect, it } from 'vitest';
import { randomKey, randomStream } from '@facet/shared';
import { VIEW_NAMES } from '@facet/multiview/config';
import { createModel, type MultiViewShape, ATTACK_LOSSES, type AttackLoss } from '@facet/multiview';
import { initialWeights, layoutParameters } from '@facet/task';
import { attackFunction, captureAttackProgram } from './attack-program.js';
import { createOrtSession } from '@facet/engine';
import { PROBE_SHAPE } from '../../../multiview/test/probe-shape.js';

type ViewName = (typeof VIEW_NAMES)[number];

const PIXELS = PROBE_SHAPE.image.height * PROBE_SHAPE.image.width * PROBE_SHAPE.image.channels;
const BATCH = 2;
const SEED = 5;
const layout = (shape: MultiViewShape) => layoutParameters(createModel(shape).parameters);

function shapeOf(views: readonly ViewName[]): MultiViewShape {
  return { ...PROBE_SHAPE, microBatch: BATCH, config: { ...PROBE_SHAPE.config, views: [...views] } };
}

/** Weights away from their start, so that every view has its say. */
function weightsOf(shape: MultiViewShape): Float32Array {
  const stream = randomStream(randomKey('initialisation', 17));
  return initialWeights(layout(shape), SEED).map((weight) => weight + 0.2 * stream.nextNormal());
}

function batchOf(shape: MultiViewShape): { images: Float32Array; targets: Float32Array } {
  const stream = randomStream(randomKey('initialisation', 23));
  const images = Float32Array.from({ length: BATCH * PIXELS }, () => stream.nextUniform());
  const targets = new Float32Array(BATCH * shape.classes);
  for (let row = 0; row < BATCH; row++) targets[row * shape.classes + 3 * row + 1] = 1;
  return { images, targets };
}

/** Logits, losses and gradient on tfjs's plain CPU backend. */
async function reference(shape: MultiViewShape, loss: AttackLoss, batch = batchOf(shape)) {
  await tf.setBackend('cpu');
  const weights = weightsOf(shape);
  return tf.tidy(() => {
    const inputs = new Map<string, tf.Tensor>();
    for (const { name, shape: sizes, offset, length } of layout(shape).slots) {
      inputs.set(name, tf.tensor(weights.slice(offset, offset + length), [...sizes]));
    }
    inputs.set('images', tf.tensor2d(batch.images, [BATCH, PIXELS]));
    inputs.set('targets', tf.tensor2d(batch.targets, [BATCH, shape.classes]));
    const results = attackFunction(createModel(shape).forward, inputs, loss);
    const values = {
      logits: results.logits.dataSync<'float32'>(),
      losses: results.losses.dataSync<'float32'>(),
      gradient: results.gradient.dataSync<'float32'>(),
    };
    tf.dispose(results);
    return values;
  });
}

const relativeTo = (values: Float32Array): number => Math.max(...values.map(Math.abs));

describe('the gradient by the images', () => {
  const cases = [...VIEW_NAMES.map((view): readonly ViewName[] => [view]), [...VIEW_NAMES]].flatMap((views) =>
    ATTACK_LOSSES.map((loss) => [views, loss] as const),
  );
  it.each(cases)('through the views %j is that of the %s loss, by central differences', async (views, loss) => {
    const shape = shapeOf(views);
    const { gradient } = await reference(shape, loss);
    const largest = relativeTo(gradient);
    expect(largest).toBeGreaterThan(1e-3);
    const stream = randomStream(randomKey('initialisation', 29));
    const step = 0.01;
    for (let trial = 0; trial < 4; trial++) {
      // A random direction over both images at once: one number that every pixel takes part in.
      const direction = Float32Array.from({ length: BATCH * PIXELS }, () => stream.nextNormal());
      const moved = async (sign: number): Promise<number> => {
        const { images, targets } = batchOf(shape);
        const there = { images: images.map((pixel, i) => pixel + (sign * step * direction[i]!) / 10), targets };
        const { losses } = await reference(shape, loss, there);
        return losses.reduce((sum, value) => sum + value, 0);
      };
      const measured = ((await moved(1)) - (await moved(-1))) / (0.2 * step);
      const predicted = gradient.reduce((sum, value, i) => sum + value * direction[i]!, 0);
      const scale = largest * Math.sqrt(BATCH * PIXELS);
      expect(Math.abs(measured - predicted) / scale).toBeLessThan(0.01);
    }
  });

  it.each(ATTACK_LOSSES)('of the captured program is that of the reference, for the %s loss', async (loss) => {
    const shape = shapeOf(VIEW_NAMES);
    const expected = await reference(shape, loss);
    const session = await createOrtSession(await captureAttackProgram(shape, loss), { device: 'cpu', threads: 1 });
    const weights = weightsOf(shape);
    const parameters = Object.fromEntries(
      layout(shape).slots.map(({ name, offset, length }) => [name, weights.slice(offset, offset + length)]),
    );
    const outputs = {
      logits: new Float32Array(BATCH * shape.classes),
      losses: new Float32Array(BATCH),
      gradient: new Float32Array(BATCH * PIXELS),
    };
    await session.bind({ ...parameters, ...batchOf(shape) }, outputs).run();
    await session.close();
    for (const name of ['logits', 'losses', 'gradient'] as const) {
      const scale = relativeTo(expected[name]);
      const deviation = Math.max(...outputs[name].map((value, i) => Math.abs(value - expected[name][i]!)));
      expect(deviation / scale, name).toBeLessThan(1e-4);
    }
  });

  it('leaves no tensor behind on the eager backend', async () => {
    await reference(shapeOf(VIEW_NAMES), 'margin');
    const before = tf.memory().numTensors;
    await reference(shapeOf(VIEW_NAMES), 'margin');
    expect(tf.memory().numTensors).toBe(before);
  });
});

it('the margin is the best wrong logit minus the true one', async () => {
  const shape = shapeOf(VIEW_NAMES);
  const { targets } = batchOf(shape);
  const { logits, losses } = await reference(shape, 'margin');
  for (let row = 0; row < BATCH; row++) {
    const scores = logits.subarray(row * shape.classes, (row + 1) * shape.classes);
    const truth = targets.subarray(row * shape.classes, (row + 1) * shape.classes).indexOf(1);
    const best = Math.max(...scores.filter((_, c) => c !== truth));
    expect(losses[row]).toBeCloseTo(best - scores[truth]!, 5);
  }
});
