/** Every way to configure the model: the captured engine against tfjs's own CPU backend, which knows nothing of capture. */
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../config/model-schema.js';
import { drawAuxiliary } from '../data/auxiliary-draws.js';
import { createCompute, computeReference, deviationFrom } from '@facet/engine/internal';
import { PROBE_SHAPE } from '../../test/probe-shape.js';
import { multiViewTask, type MultiViewShape } from '../task/multi-view-task.js';
import { createModel } from './multi-view-transformer.js';
import { initialWeights } from '@facet/task';

const COLOUR = {
  image: { height: 16, width: 16, channels: 3 },
  config: {
    patchSize: 4,
    patchStride: 2,
    viewPatchSize: 6,
    pixels: { mean: [0.5, 0.5, 0.4], stddev: [0.2, 0.2, 0.3] },
  },
};

const variants: readonly [string, Partial<ModelConfig>, Partial<MultiViewShape>?][] = [
  // With raw weights: a single normalised weight is 1 whatever it is, and its gradient only rounding.
  ['one view', { views: ['identity'], viewWeights: 'raw' }],
  ['every view', { views: ['identity', 'zoom-out', 'rotation', 'shift'] }],
  ['the placebo', { views: ['identity', 'identity', 'identity'] }],
  ['no injection', { injection: 'none' }],
  ['views in the first block only', { injectionBlocks: 1 }],
  ['raw view weights', { viewWeights: 'raw' }],
  ['uniform view weights', { viewWeights: 'uniform' }],
  ['a ghosted image', { viewNorm: 'sum' }],
  ["the neighbour's views", { viewImages: 'shuffled' }],
  ['cross-view attention', { injection: 'cross' }],
  [
    'cross-view attention to one view, with a relative bias',
    { injection: 'cross', views: ['identity'], viewWeights: 'raw', relativeBias: true },
  ],
  ['a relative bias', { relativeBias: true }],
  ['a relative bias in its only block', { relativeBias: true, depth: 1 }],
  ['overlapping tokens', { mergeSize: 4 }],
  ['two MLPs in a block', { mlpsPerBlock: 2 }],
  ['MLPs in the stem', { stemDepth: 2, stemWidth: 16 }],
  [
    'convolutions in the stem',
    {
      patchSize: 3,
      patchStride: 1,
      stemConvolutions: [
        { features: 12, stride: 2 },
        { features: 12, stride: 1 },
        { features: 16, stride: 1 },
      ],
    },
  ],
  ['auxiliary losses', { auxiliary: { relativePosition: 0.3, completion: 0.2 } }],
  ['cross-view attention with completion', { injection: 'cross', auxiliary: { relativePosition: 0, completion: 0.2 } }],
  ['colour images', { ...COLOUR.config, mergeSize: 3, relativeBias: true }, { image: COLOUR.image }],
];

describe.each(variants)('a model with %s', (_name, config, shape = {}) => {
  it('has the loss and the gradients of the reference', async () => {
    const probe: MultiViewShape = { ...PROBE_SHAPE, ...shape, config: { ...PROBE_SHAPE.config, ...config } };
    const task = multiViewTask(probe);
    const compute = await createCompute({ task, engine: { name: 'onnxruntime', device: 'cpu' }, threads: 1 });
    try {
      const { layout, weights } = compute;
      // Away from the start, where zero biases would hide parts of the gradient.
      weights.set(initialWeights(layout, 1).map((value, i) => value + 0.05 * Math.sin(i * 1.7)));
      const [slot] = compute.trainingSlots;
      const { tensors, sum } = slot;
      tensors.images.forEach((_, i) => (tensors.images[i] = 0.5 + 0.5 * Math.sin(i * 12.9898)));
      tensors.sampleWeights.fill(1).fill(0, probe.microBatch - 1);
      for (let row = 0; row < probe.microBatch; row++) tensors.targets[row * probe.classes + row] = 1;
      const { tokenPairs, hiddenTokens } = tensors;
      if (tokenPairs !== undefined && hiddenTokens !== undefined) drawAuxiliary({ tokenPairs, hiddenTokens }, 77);
      await slot.run();
      const reference = await computeReference(task, layout, weights, tensors);
      const deviation = deviationFrom(reference, layout, { loss: sum.accounting().loss, gradient: sum.gradient });
      expect(deviation.loss).toBeLessThan(1e-5);
      expect(deviation.gradient, deviation.worstParameter).toBeLessThan(1e-4);
      for (const { name, offset, length } of layout.slots) {
        const gradient = sum.gradient.subarray(offset, offset + length);
        expect(
          gradient.some((value) => value !== 0),
          `${name} has a gradient`,
        ).toBe(true);
      }
    } finally {
      await compute.close();
    }
  });
});

it('does not compare the tokens of an image that is one token', () => {
  const config = { ...PROBE_SHAPE.config, patchStride: 12, auxiliary: { relativePosition: 0.1, completion: 0 } };
  expect(() => createModel({ ...PROBE_SHAPE, config })).toThrow(
    'model.auxiliary compares tokens, but an image of 12 pixels is one token of 24',
  );
});
