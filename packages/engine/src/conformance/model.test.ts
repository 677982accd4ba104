/**
 * The whole model on every engine: loss, gradients and answers against the reference, a hundred steps of training against the
 * default engine, and NaN carried through. Operations one by one are conformance.test.ts's matter.
 */
import { beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { PRESETS, TrainingError } from '@facet/shared';
import { fillProbeBatch } from '../../test/probe-batch.js';
import { initialWeights, applyUpdate, learningRate } from '@facet/task';
import { createCompute, type Compute } from '../compute.js';
import { ENGINES, formatEngine, type EngineId } from '../engine-id.js';
import { PROBE, PROBE_TASK, type ProbeTensors } from '../probe-task.js';
import { computeReference, deviationFrom } from '../reference.js';
import { findVulkanDriver, type VulkanDriver } from './vulkan-driver.js';

const DEFAULT_ENGINE: EngineId = { name: 'onnxruntime', device: 'cpu' };
const STEPS = 100;

let vulkan: VulkanDriver;
/** The loss of every step on the default engine. */
let expectedLosses: readonly number[];

beforeAll(async () => {
  vulkan = await findVulkanDriver();
  if (vulkan.icdFile !== undefined) process.env['VK_ICD_FILENAMES'] = vulkan.icdFile;
  await using engine = await open(DEFAULT_ENGINE);
  expectedLosses = await train(engine.compute);
}, 120_000);

async function open(engine: EngineId): Promise<AsyncDisposable & { readonly compute: Compute<ProbeTensors> }> {
  const compute = await createCompute({ task: PROBE_TASK, engine, threads: 1 });
  compute.weights.set(initialWeights(compute.layout, 3));
  return { compute, [Symbol.asyncDispose]: () => compute.close() };
}

/** An engine that is not on this machine is skipped, with its own words for why. */
async function openOrSkip(context: TestContext, engine: EngineId): ReturnType<typeof open> {
  if (engine.device === 'webgpu' && vulkan.reason !== undefined) context.skip(vulkan.reason);
  try {
    return await open(engine);
  } catch (caught) {
    const { code, message } = TrainingError.from(caught);
    if (code === 'ENGINE_UNAVAILABLE') context.skip(message);
    throw caught;
  }
}

/** Trains on two micro-batches in turn, each in its own slot; returns the loss of every step. */
async function train(compute: Compute<ProbeTensors>): Promise<number[]> {
  const { layout, weights, trainingSlots } = compute;
  const state = { weights, m: new Float32Array(layout.length), v: new Float32Array(layout.length) };
  const config = PRESETS['mnist-fast'].optimizer;
  trainingSlots.forEach((slot, index) => {
    fillProbeBatch(slot.tensors, index);
  });
  const losses: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    const slot = trainingSlots[step % 2 === 0 ? 0 : 1];
    await slot.run();
    losses.push(slot.sum.accounting().loss);
    const gradientScale = 1 / (PROBE.microBatch - 1);
    applyUpdate(state, slot.sum.gradient, {
      config,
      layout,
      step,
      rate: learningRate(config, step, STEPS),
      gradientScale,
    });
    compute.weightsChanged();
  }
  return losses;
}

describe.each(ENGINES.map((engine) => ({ engine, name: formatEngine(engine) })))(
  'the model on $name',
  { timeout: 300_000 },
  ({ engine }) => {
    it('has the loss, the gradients and the answers of the reference', async (context) => {
      await using opened = await openOrSkip(context, engine);
      const { layout, weights, trainingSlots, evaluationSlots } = opened.compute;
      const [slot] = trainingSlots;
      fillProbeBatch(slot.tensors, 11);
      fillProbeBatch(evaluationSlots[0].tensors, 11);
      await slot.run();
      await evaluationSlots[0].run();
      const reference = await computeReference(PROBE_TASK, layout, weights, slot.tensors);
      const { loss, metrics } = slot.sum.accounting();
      const deviation = deviationFrom(reference, layout, { loss, gradient: slot.sum.gradient });
      expect(deviation.loss).toBeLessThan(1e-5);
      expect(deviation.gradient, deviation.worstParameter).toBeLessThan(1e-4);
      expect(metrics).toEqual(reference.metrics);
      expect(answersRight(evaluationSlots[0].outputs['logits']!, slot.tensors)).toBe(reference.metrics['correct']);
    });

    it(`follows the losses of the default engine for ${STEPS} steps`, async (context) => {
      await using opened = await openOrSkip(context, engine);
      const losses = await train(opened.compute);
      losses.forEach((loss, step) => {
        // Rounding grows with every step, and a loss near its floor has no relative precision.
        expect(Math.abs(loss - expectedLosses[step]!), `step ${step + 1}`).toBeLessThan(0.02 * expectedLosses[0]!);
      });
      expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.5);
    });

    it('carries NaN through to the loss instead of hiding it', async (context) => {
      if (engine.device === 'webgpu') context.skip('WGSL lets a driver assume that NaN does not occur');
      await using opened = await openOrSkip(context, engine);
      const { weights, trainingSlots } = opened.compute;
      fillProbeBatch(trainingSlots[0].tensors, 11);
      weights[0] = Number.NaN;
      await trainingSlots[0].run();
      expect(trainingSlots[0].sum.accounting().loss).toBeNaN();
    });
  },
);

/** How many real samples the logits answer as their targets say. */
function answersRight(logits: Float32Array, { targets, sampleWeights }: ProbeTensors): number {
  const { classes } = PROBE;
  const best = (values: Float32Array, row: number): number => {
    const scores = values.subarray(row * classes, (row + 1) * classes);
    return scores.indexOf(Math.max(...scores));
  };
  return sampleWeights.reduce(
    (right, weight, row) => right + (best(logits, row) === best(targets, row) ? weight : 0),
    0,
  );
}
