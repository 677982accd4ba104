/**
 * The presets on the engine: the bare program, and the same program the way a worker runs it, through the slots of
 * `createCompute`. The difference is what the engine's host costs: copies into the thread and back, and two messages.
 */
import { datasetShape } from '@facet/shared';
import { PRESETS, type PresetName } from '@facet/multiview/config';
import { drawAuxiliary } from '@facet/multiview/internal';
import { multiViewShape, multiViewTask } from '@facet/multiview';
import { captureTrainingProgram } from '@facet/engine';
import { createCompute } from '@facet/engine/internal';
import { median } from '../figures.js';
import { randomValues } from '../random-values.js';
import { openProgram, type OpenProgram } from './program-session.js';

/** Micro-batches of one turn, by each way. */
const RUNS_PER_TURN = 20;

function taskOf(name: PresetName): ReturnType<typeof multiViewTask> {
  const preset = PRESETS[name];
  return multiViewTask(multiViewShape(datasetShape(preset.dataset), preset));
}

/** The training program of a preset at its own micro-batch, without the engine thread. */
export function openPreset(name: PresetName): Promise<OpenProgram> {
  const task = taskOf(name);
  return openProgram(() => captureTrainingProgram(task), task.microBatch);
}

export interface HostedPreset {
  /** Computes one micro-batch on the engine thread. */
  run(): Promise<void>;
  close(): Promise<void>;
}

/** The training slots of a preset, with random images and weights; weights change once per step of one worker. */
export async function openPresetCompute(name: PresetName): Promise<HostedPreset> {
  const compute = await createCompute({
    task: taskOf(name),
    engine: { name: 'onnxruntime', device: 'cpu' },
    threads: 1,
  });
  const { batch } = PRESETS[name];
  const microBatches = batch.global / batch.micro;
  compute.weights.set(randomValues(compute.weights.length));
  for (const { tensors } of compute.trainingSlots) {
    const { images, targets, sampleWeights, tokenPairs, hiddenTokens } = tensors;
    for (const values of [images, targets, sampleWeights]) values.set(randomValues(values.length));
    if (tokenPairs !== undefined && hiddenTokens !== undefined) drawAuxiliary({ tokenPairs, hiddenTokens }, 1);
  }
  let count = 0;
  return {
    async run() {
      if (count % microBatches === 0) compute.weightsChanged();
      await compute.trainingSlots[count % 2]!.run();
      count++;
    },
    close: () => compute.close(),
  };
}

/** Milliseconds of a micro-batch, bare and hosted, one after the other so that both meet the same machine. */
export async function hostOverhead(
  bare: Pick<OpenProgram, 'run'>,
  hosted: HostedPreset,
): Promise<{ readonly bareMs: number; readonly hostedMs: number }> {
  const timed = async (way: Pick<OpenProgram, 'run'>): Promise<number> => {
    const startedAt = performance.now();
    await way.run();
    return performance.now() - startedAt;
  };
  const [bareMs, hostedMs]: [number[], number[]] = [[], []];
  for (let i = 0; i < RUNS_PER_TURN; i++) {
    bareMs.push(await timed(bare));
    hostedMs.push(await timed(hosted));
  }
  return { bareMs: median(bareMs), hostedMs: median(hostedMs) };
}
