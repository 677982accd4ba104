import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi, type TestContext } from 'vitest';
import { PRESETS, randomKey, randomStream, TrainingError } from '@facet/shared';
import { applyAdamW } from '../../train/adamw.js';
import { initialWeights } from '../../model/parameters.js';
import type { MicroBatchTensors } from '../../data/micro-batch.js';
import { createCompute, TAIL, type Compute } from '../compute.js';
import type { EngineId } from '../engine-id.js';
import { PROBE_SHAPE } from '../probe.js';
import { deviationFrom } from '../reference.js';
import { findBindingFolder } from './binding-folder.js';

const CAPTURED: EngineId = { name: 'onnxruntime', device: 'cpu' };
const EAGER: readonly EngineId[] = [
  { name: 'tfjs-cpu', device: 'cpu' },
  { name: 'tensorflow', device: 'cpu' },
];

/** Skips where TensorFlow is not installed, and says how to install it. */
function requireEngine(context: TestContext, { name }: EngineId): void {
  if (name !== 'tensorflow' && name !== 'tensorflow-gpu') return;
  try {
    findBindingFolder(name);
  } catch (caught) {
    context.skip(TrainingError.from(caught).message);
  }
}

async function openCompute(engine: EngineId, threads = 1): Promise<Compute> {
  const compute = await createCompute({ shape: PROBE_SHAPE, engine, threads });
  compute.weights.set(initialWeights(compute.layout, 3));
  return compute;
}

/** The same random samples for the same key; the last row is padding. */
function fill(tensors: MicroBatchTensors, key = 11): void {
  const stream = randomStream(randomKey('initialisation', key));
  tensors.images.forEach((_, i) => (tensors.images[i] = stream.nextUniform()));
  tensors.targets.fill(0);
  const rows = tensors.sampleWeights.length;
  for (let row = 0; row < rows; row++) {
    tensors.targets[row * PROBE_SHAPE.classes + stream.nextBelow(PROBE_SHAPE.classes)] = 1;
  }
  tensors.sampleWeights.fill(1).fill(0, rows - 1);
}

/** Trains on two micro-batches in turn, each in its own slot; returns the loss of every step. */
async function train(compute: Compute, steps: number): Promise<number[]> {
  const { layout, weights, trainingSlots } = compute;
  const state = { weights, m: new Float32Array(layout.length), v: new Float32Array(layout.length) };
  const config = PRESETS['mnist-fast'].optimizer;
  trainingSlots.forEach((slot, index) => {
    fill(slot.tensors, index);
  });
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const slot = trainingSlots[step % 2 === 0 ? 0 : 1];
    const { result } = slot;
    await slot.run();
    losses.push(result[layout.length + TAIL.loss]!);
    const gradientScale = 1 / (PROBE_SHAPE.microBatch - 1);
    applyAdamW(state, result.subarray(0, layout.length), { config, layout, step, totalSteps: steps, gradientScale });
    compute.weightsChanged();
  }
  return losses;
}

describe.each(EAGER)('the eager engine $name', { timeout: 120_000 }, (engine) => {
  it('agrees with the captured engine in loss, gradients, correct answers, logits and program hash', async (context) => {
    requireEngine(context, engine);
    const [captured, eager] = [await openCompute(CAPTURED), await openCompute(engine)];
    for (const { trainingSlots, evaluationSlots } of [captured, eager]) {
      fill(trainingSlots[1].tensors);
      fill(evaluationSlots[0].tensors);
      await trainingSlots[1].run();
      await evaluationSlots[0].run();
    }
    const { layout } = captured;
    const [expected, actual] = [captured.trainingSlots[1].result, eager.trainingSlots[1].result];
    const [loss, correct] = [expected[layout.length + TAIL.loss]!, expected[layout.length + TAIL.correct]!];
    const deviation = deviationFrom({ loss, correct, gradient: expected }, layout, {
      loss: actual[layout.length + TAIL.loss]!,
      gradient: actual,
    });
    expect(deviation.loss).toBeLessThan(1e-5);
    expect(deviation.gradient, deviation.worstParameter).toBeLessThan(1e-4);
    expect(actual[layout.length + TAIL.correct]).toBe(correct);
    const logits = eager.evaluationSlots[0].logits;
    captured.evaluationSlots[0].logits.forEach((value, i) => {
      expect(logits[i]).toBeCloseTo(value, 4);
    });
    expect(eager.programSha256).toBe(captured.programSha256);
    await Promise.all([captured.close(), eager.close()]);
  });

  it('follows the loss of the captured engine for 20 steps, and keeps no tensor', async (context) => {
    requireEngine(context, engine);
    const [captured, eager] = [await openCompute(CAPTURED), await openCompute(engine)];
    const expected = await train(captured, 20);
    // Every run of the engine process fails when it has left a tensor behind.
    const actual = await train(eager, 20);
    actual.forEach((loss, step) => {
      expect(Math.abs(loss - expected[step]!) / expected[step]!, `step ${step + 1}`).toBeLessThan(2e-3);
    });
    expect(actual.at(-1)).toBeLessThan(actual[0]! * 0.8);
    await Promise.all([captured.close(), eager.close()]);
  });

  it('computes the same bits with one and with two threads, run after run', async (context) => {
    requireEngine(context, engine);
    const results: Float32Array[] = [];
    for (const threads of [1, 2]) {
      const compute = await openCompute(engine, threads);
      const [slot] = compute.trainingSlots;
      fill(slot.tensors);
      for (let run = 0; run < 2; run++) {
        await slot.run();
        results.push(slot.result.slice());
      }
      await compute.close();
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it('carries NaN through to the loss instead of hiding it', async (context) => {
    requireEngine(context, engine);
    const compute = await openCompute(engine);
    const [slot] = compute.trainingSlots;
    fill(slot.tensors);
    compute.weights[0] = Number.NaN;
    await slot.run();
    expect(slot.result[compute.layout.length + TAIL.loss]).toBeNaN();
    await compute.close();
  });
});

describe('an eager engine that is not there', { timeout: 120_000 }, () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each([
    { name: 'tensorflow', device: 'cpu', command: '`npx facet engine install tensorflow`' },
    { name: 'tensorflow-gpu', device: 'cuda', command: '`npx facet engine install tensorflow --gpu`' },
  ] as const)('says how to install $name', async ({ name, device, command }) => {
    const cache = await mkdtemp(join(tmpdir(), 'facet-empty-cache-'));
    vi.stubEnv('FACET_CACHE', cache);
    const opening = createCompute({ shape: PROBE_SHAPE, engine: { name, device }, threads: 1 });
    const error = await opening.then(
      () => undefined,
      (caught: unknown) => TrainingError.from(caught),
    );
    expect(error?.code).toBe('ENGINE_UNAVAILABLE');
    expect(error?.message).toContain(command);
    await rm(cache, { recursive: true });
  });

  it('names the folder of a binding that does not load', async () => {
    const binding = await mkdtemp(join(tmpdir(), 'facet-broken-binding-'));
    const engine = { name: 'tensorflow', device: 'cpu' } as const;
    await expect(createCompute({ shape: PROBE_SHAPE, engine, threads: 1, binding })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining(`the engine tensorflow in ${binding} does not load`),
    });
    await rm(binding, { recursive: true });
  });
});
