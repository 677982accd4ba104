/**
 * The presets on the engine: the bare program, and the same program the way a worker runs it, through the slots of
 * `createCompute`. The difference is what the engine's host costs: copies into the thread and back, and two messages.
 */
import { DATASET_SHAPES, PRESETS } from '@facet/shared';
import { createCompute } from '../../packages/worker/dist/engine/compute.js';
import { captureTrainingProgram, microBatchShape } from '../../packages/worker/dist/engine/micro-batch-program.js';
import { median } from './figures.mjs';
import { openProgram, randomValues } from './program-session.mjs';

export const PRESET_NAMES = Object.keys(PRESETS);
/** Micro-batches of one turn, by each way. */
const RUNS_PER_TURN = 20;

const shapeOf = (preset) => microBatchShape(DATASET_SHAPES[preset.dataset], preset);

/** The training program of a preset at its own micro-batch, without the engine thread. */
export function openPreset(name) {
  const shape = shapeOf(PRESETS[name]);
  return openProgram(() => captureTrainingProgram(shape), shape.microBatch);
}

/** The training slots of a preset, with random images and weights; weights change once per step of one worker. */
export async function openPresetCompute(name) {
  const preset = PRESETS[name];
  const compute = await createCompute({
    shape: shapeOf(preset),
    engine: { name: 'onnxruntime', device: 'cpu' },
    threads: 1,
  });
  const microBatches = preset.batch.global / preset.batch.micro;
  compute.weights.set(randomValues(compute.weights.length));
  for (const { tensors } of compute.trainingSlots) {
    for (const values of Object.values(tensors)) values.set(randomValues(values.length));
  }
  let count = 0;
  return {
    async run() {
      if (count % microBatches === 0) compute.weightsChanged();
      await compute.trainingSlots[count % 2].run();
      count++;
    },
    close: () => compute.close(),
  };
}

/** Milliseconds of a micro-batch, bare and hosted, one after the other so that both meet the same machine. */
export async function hostOverhead(bare, hosted) {
  const times = { bare: [], hosted: [] };
  for (let i = 0; i < RUNS_PER_TURN; i++) {
    for (const [way, { run }] of Object.entries({ bare, hosted })) {
      const startedAt = performance.now();
      await run();
      times[way].push(performance.now() - startedAt);
    }
  }
  return { bareMs: median(times.bare), hostedMs: median(times.hosted) };
}
