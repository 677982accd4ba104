import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi, type TestContext } from 'vitest';
import { TrainingError } from '@facet/shared';
import { fillProbeBatch } from '../../test/probe-batch.js';
import { initialWeights } from '@facet/task';
import { createCompute, type Compute } from '../compute.js';
import type { EngineId } from '../engine-id.js';
import { PROBE_TASK, type ProbeTensors } from '../probe-task.js';
import { findBindingFolder } from './binding-folder.js';

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

async function openCompute(engine: EngineId, threads = 1): Promise<Compute<ProbeTensors>> {
  const compute = await createCompute({ task: PROBE_TASK, engine, threads });
  compute.weights.set(initialWeights(compute.layout, 3));
  return compute;
}

describe.each(EAGER)('the eager engine $name', { timeout: 120_000 }, (engine) => {
  it('computes the same bits with one and with two threads, run after run', async (context) => {
    requireEngine(context, engine);
    const results: Float32Array[] = [];
    for (const threads of [1, 2]) {
      const compute = await openCompute(engine, threads);
      const [slot] = compute.trainingSlots;
      fillProbeBatch(slot.tensors, 11);
      for (let run = 0; run < 2; run++) {
        await slot.run();
        results.push(slot.sum.whole.slice());
      }
      await compute.close();
    }
    for (const result of results) expect(result).toEqual(results[0]);
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
    const opening = createCompute({ task: PROBE_TASK, engine: { name, device }, threads: 1 });
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
    await expect(createCompute({ task: PROBE_TASK, engine, threads: 1, binding })).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining(`the engine tensorflow in ${binding} does not load`),
    });
    await rm(binding, { recursive: true });
  });
});
