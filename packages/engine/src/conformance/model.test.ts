/**
 * The whole model on every engine: loss, gradients and answers against the reference, a hundred steps of training against the
 * default engine, and NaN carried through. Operations one by one are conformance.test.ts's matter.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { fillProbeBatch } from '../../test/probe-batch.js';
import { DEFAULT_ENGINE, expectSameLosses, openModel, openOrSkip, STEPS, trainModel } from '../../test/whole-model.js';
import { ENGINES, formatEngine } from '../engine-id.js';
import { PROBE, PROBE_TASK, type ProbeTensors } from '../probe-task.js';
import { computeReference, deviationFrom } from '../reference.js';
import { findVulkanDriver, type VulkanDriver } from './vulkan-driver.js';

/** A software driver of Vulkan, and tfjs's plain backend, take minutes for the steps: model.long.test.ts. */
const SLOW = ['onnxruntime/webgpu', 'tfjs-cpu/cpu'];

let vulkan: VulkanDriver;
/** The loss of every step on the default engine. */
let expectedLosses: readonly number[];

beforeAll(async () => {
  vulkan = await findVulkanDriver();
  if (vulkan.icdFile !== undefined) process.env['VK_ICD_FILENAMES'] = vulkan.icdFile;
  await using engine = await openModel(DEFAULT_ENGINE);
  expectedLosses = await trainModel(engine.compute);
}, 120_000);

describe.each(ENGINES.map((engine) => ({ engine, name: formatEngine(engine) })))(
  'the model on $name',
  { timeout: 300_000 },
  ({ engine, name }) => {
    it('has the loss, the gradients and the answers of the reference', async (context) => {
      await using opened = await openOrSkip(context, engine, vulkan);
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

    if (!SLOW.includes(name)) {
      it(`follows the losses of the default engine for ${STEPS} steps`, async (context) => {
        await using opened = await openOrSkip(context, engine, vulkan);
        expectSameLosses(await trainModel(opened.compute), expectedLosses);
      });
    }

    it('carries NaN through to the loss instead of hiding it', async (context) => {
      if (engine.device === 'webgpu') context.skip('WGSL lets a driver assume that NaN does not occur');
      await using opened = await openOrSkip(context, engine, vulkan);
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
