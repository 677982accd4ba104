/** The whole probe model on one engine: opened with fixed weights, and trained for some steps. */
import { expect, type TestContext } from 'vitest';
import { TrainingError } from '@facet/shared';
import { SYSTEM_TRAINING } from '../../../test/testkit/system-training.js';
import { applyUpdate, initialWeights, learningRate } from '@facet/task';
import { createCompute, type Compute } from '../src/compute.js';
import type { VulkanDriver } from '../src/conformance/vulkan-driver.js';
import type { EngineId } from '../src/engine-id.js';
import { PROBE, PROBE_TASK, type ProbeTensors } from '../src/probe-task.js';
import { fillProbeBatch } from './probe-batch.js';

export const DEFAULT_ENGINE: EngineId = { name: 'onnxruntime', device: 'cpu' };
export const STEPS = 100;

/** Opens an engine for the model. */
export async function openModel(
  engine: EngineId,
): Promise<AsyncDisposable & { readonly compute: Compute<ProbeTensors> }> {
  const compute = await createCompute({ task: PROBE_TASK, engine, threads: 1 });
  compute.weights.set(initialWeights(compute.layout, 3));
  return { compute, [Symbol.asyncDispose]: () => compute.close() };
}

/** An engine that is not on this machine is skipped, with its own words for why. */
export async function openOrSkip(
  context: TestContext,
  engine: EngineId,
  vulkan: VulkanDriver,
): ReturnType<typeof openModel> {
  if (engine.device === 'webgpu' && vulkan.reason !== undefined) context.skip(vulkan.reason);
  try {
    return await openModel(engine);
  } catch (caught) {
    const { code, message } = TrainingError.from(caught);
    if (code === 'ENGINE_UNAVAILABLE') context.skip(message);
    throw caught;
  }
}

/** Trains on two micro-batches in turn, each in its own slot; returns the loss of every step. */
export async function trainModel(compute: Compute<ProbeTensors>): Promise<number[]> {
  const { layout, weights, trainingSlots } = compute;
  const state = { weights, m: new Float32Array(layout.length), v: new Float32Array(layout.length) };
  const config = SYSTEM_TRAINING.optimizer;
  trainingSlots.forEach((slot, index) => {
    fillProbeBatch(slot.tensors, index);
  });
  const losses: number[] = [];
  for (let step = 1; step <= STEPS; step++) {
    const slot = trainingSlots[step % 2 === 0 ? 0 : 1];
    await slot.run();
    losses.push(slot.sum.accounting().loss);
    const gradientScale = 1 / (PROBE.microBatch - 1);
    const rate = learningRate(config, step, STEPS);
    applyUpdate(state, slot.sum.gradient, { config, layout, step, rate, gradientScale });
    compute.weightsChanged();
  }
  return losses;
}

/** Expects losses that follow those of the default engine, and go down. */
export function expectSameLosses(losses: readonly number[], expected: readonly number[]): void {
  losses.forEach((loss, step) => {
    // Rounding grows with every step, and a loss near its floor has no relative precision.
    expect(Math.abs(loss - expected[step]!), `step ${step + 1}`).toBeLessThan(0.02 * expected[0]!);
  });
  expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.5);
}
