/**
 * Looks at a user's task before anything is started: it must be a function that can be captured, and the same one every time.
 */
import type { NamedSource } from '@facet/datasets';
import { TrainingError, type RunConfig, type SampleBatch } from '@facet/shared';
import { fillTensors, initialWeights, layoutParameters, type Task } from '@facet/task';
import { writeOnnx } from '@facet/compiler';
import { captureEvaluationProgram, captureTrainingProgram, createCompute } from '@facet/engine';
import { openTask } from './open-task.js';

/** The first samples of a split whose labels are looked at. All of them would take as long as an epoch of reading. */
const LOOKED_AT = 1_000;

/**
 * Opens and captures the task of a configuration, twice, and computes a first micro-batch.
 *
 * @throws TrainingError as `openTask`; TASK_INVALID when the loss has another shape than one number a sample, or when the task
 *   is another one the second time, or a loss or gradient is no finite number; CAPTURE_UNSUPPORTED naming an operation or a
 *   layer; DATASET_INVALID naming a sample that is not as it should be.
 */
export async function checkTask(config: RunConfig, data: NamedSource): Promise<void> {
  const samples = { fields: data.fields, classes: data.classes ?? [] };
  const task = await openTask(config, samples);
  const again = await openTask(config, samples);
  const weightsOf = ({ parameters }: Task): Uint8Array =>
    new Uint8Array(initialWeights(layoutParameters(parameters), config.seed).buffer);
  const places: readonly [what: string, of: (task: Task) => Uint8Array | Promise<Uint8Array>][] = [
    ['its parameters start', weightsOf],
    ['its training program is', async (each) => writeOnnx(await captureTrainingProgram(each))],
    ['its evaluation program is', async (each) => writeOnnx(await captureEvaluationProgram(each))],
  ];
  for (const [what, of] of places) {
    if (isSame(await of(task), await of(again))) continue;
    throw new TrainingError(
      'TASK_INVALID',
      `the task ${task.name} is wrong: ${what} otherwise the second time; it may read no clock and draw nothing at random, for every worker must compute the same: draw from the seed that model gets`,
    );
  }
  await requireFiniteStart(task, config, data);
}

/** Computes the loss and the gradient of the first samples, at the weights that the run starts with. */
async function requireFiniteStart(task: Task, config: RunConfig, data: NamedSource): Promise<void> {
  const layout = layoutParameters(task.parameters);
  const compute = await createCompute({ task, engine: { name: 'onnxruntime', device: 'cpu' }, threads: 1 });
  try {
    const [slot] = compute.trainingSlots;
    const { tensors, sum } = slot;
    for (const split of ['test', 'train'] as const) {
      const count = Math.min(LOOKED_AT, data.length(split));
      for (let from = Math.floor((count - 1) / task.microBatch) * task.microBatch; from >= 0; from -= task.microBatch) {
        const samples = await readSamples(data, split, { from, to: Math.min(count, from + task.microBatch) });
        const identity = { seed: config.seed, epoch: 0, step: 1, index: 0, isTraining: split === 'train' };
        fillTensors(task, tensors, samples, identity);
      }
    }
    // The tensors hold the first samples of the training split.
    compute.weights.set(initialWeights(layout, config.seed));
    compute.weightsChanged();
    await slot.run();
    const { loss } = sum.accounting();
    const bad = layout.slots.find(({ offset, length }) =>
      sum.gradient.subarray(offset, offset + length).some((value) => !Number.isFinite(value)),
    );
    if (Number.isFinite(loss) && bad === undefined) return;
    const what = Number.isFinite(loss) ? `the gradient of the parameter ${bad!.name}` : `the loss`;
    throw new TrainingError(
      'TASK_INVALID',
      `the task ${task.name} is wrong: ${what} of the first samples is no finite number${Number.isFinite(loss) ? '' : ` but ${loss}`}; look for a division by 0, a logarithm or root of 0 or less, and for such numbers among the samples`,
    );
  } finally {
    await compute.close();
  }
}

async function readSamples(
  data: NamedSource,
  split: 'train' | 'test',
  { from, to }: { readonly from: number; readonly to: number },
): Promise<SampleBatch> {
  const ids = Uint32Array.from({ length: to - from }, (_, at) => from + at);
  return { ids, fields: await data.read(split, ids) };
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}
