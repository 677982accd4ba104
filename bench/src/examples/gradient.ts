/**
 * One micro-batch of layers-cnn, forward and backward, by everybody who can: the captured program, alone and as a training loop
 * calls it, tfjs-cpu, and PyTorch. All compute the loss and gradients of the same weights and images; what differs is not
 * compared.
 */
import { randomKey, randomStream } from '@facet/shared';
import { captureTrainingProgram, createCompute, createOrtSession, type Compute, type EngineId } from '@facet/engine';
import { elementCount } from '@facet/compiler';
import { initialWeights, openUserTask, type BatchTensors, type Task } from '@facet/task';
import { fileURLToPath } from 'node:url';
import type { BenchContext } from '../bench.js';
import { median } from '../figures.js';
import { openOptional } from '../process/optional-peer.js';
import { openPeer } from '../process/peer-process.js';

const TORCH = { file: new URL('../../peers/cnn.py', import.meta.url) };
const MODULE = fileURLToPath(new URL('../../../examples/layers-cnn/task.mjs', import.meta.url));
const SIDE = 32;
const CLASSES = ['circle', 'square', 'star', 'triangle'];
/** batch.micro of the example. */
const MICRO_BATCH = 16;
/** Of the small form: tfjs-cpu takes seconds for each image. */
const SMALL_MICRO_BATCH = 2;
const SEED = 1;
/** One sample of a fast measurer is the median of so many runs. */
const FAST_RUNS = 10;
/** Runs before those; cnn.py has as many. */
const WARM_UP = 2;

type CnnTensors = BatchTensors & { readonly image: Float32Array; readonly label: Float32Array };

export interface GradientAnswer {
  readonly loss: number;
  /** [parameters], as the task lays them out. */
  readonly gradient: ArrayLike<number>;
}

/** Somebody who computes the gradient. */
export interface GradientMeasurer {
  readonly answer: GradientAnswer;
  /** Milliseconds of one run. */
  milliseconds(): Promise<number>;
}

export interface GradientBench {
  /** The program in a session of its own, as PyTorch runs its function: on the thread that asks. */
  readonly captured: GradientMeasurer;
  /** The same on an engine thread, as in training. */
  readonly inTraining: GradientMeasurer;
  readonly tfjsCpu: GradientMeasurer;
  readonly pytorch: GradientMeasurer | undefined;
  readonly pytorchChannelsLast: GradientMeasurer | undefined;
  /** The largest difference of a loss or a gradient from the captured one, relative to the largest number of its tensor. */
  deviation(from: GradientAnswer): number;
  close(): Promise<void>;
}

/** What cnn.py is asked. */
interface TorchQuestion {
  /** Shapes of the parameters, which lie end to end in `weights` as tf.layers have them. */
  readonly shapes: readonly (readonly number[])[];
  readonly weights: readonly number[];
  /** [microBatch, SIDE, SIDE, 3] */
  readonly images: readonly number[];
  readonly labels: readonly number[];
  readonly channelsLast: boolean;
  readonly runs: number;
}

interface TorchAnswer extends GradientAnswer {
  readonly milliseconds: readonly number[];
  readonly version: string;
}

/** @param notes what was skipped, and how others run, is added to it */
export async function openGradients(notes: string[], context: BenchContext): Promise<GradientBench> {
  const task = (await openUserTask({
    module: MODULE,
    options: {},
    fields: { image: { type: 'uint8', shape: [SIDE, SIDE, 3] }, label: { type: 'uint8', shape: [] } },
    classes: CLASSES,
    microBatch: context.isSmall ? SMALL_MICRO_BATCH : MICRO_BATCH,
    seed: SEED,
    labelSmoothing: 0,
  })) as Task<CnnTensors>;
  const inTraining = await openEngine(task, { name: 'onnxruntime', device: 'cpu' }, FAST_RUNS);
  const captured = await openSession(task, inTraining.compute);
  const { layout, weights } = inTraining.compute;
  const { image, label } = inTraining.compute.trainingSlots[0].tensors;
  const question = {
    shapes: layout.slots.map(({ shape }) => shape),
    ...{ weights: [...weights], images: [...image], labels: [...label] },
  };
  const tfjsCpu = await openEngine(task, { name: 'tfjs-cpu', device: 'cpu' }, 1);
  const torch = await openOptional('pytorchEager', notes, context, async () => {
    const peer = openPeer('PyTorch', TORCH, context.signal);
    const measurer = async (channelsLast: boolean): Promise<GradientMeasurer & { readonly version: string }> => {
      const ask = (): Promise<TorchAnswer> =>
        peer.ask<TorchAnswer>({ ...question, channelsLast, runs: FAST_RUNS } satisfies TorchQuestion);
      const { version, ...answer } = await ask();
      return { version, answer, milliseconds: async () => median((await ask()).milliseconds) };
    };
    try {
      const [pytorch, channelsLast] = [await measurer(false), await measurer(true)];
      notes.push(`PyTorch ${pytorch.version}: eager, one thread`);
      return { pytorch, channelsLast, close: () => peer.close() };
    } catch (caught) {
      await peer.close();
      throw caught;
    }
  });
  return {
    captured,
    inTraining,
    tfjsCpu,
    pytorch: torch?.pytorch,
    pytorchChannelsLast: torch?.channelsLast,
    deviation(from) {
      const { answer } = captured;
      const differences = layout.slots.map(({ offset, length }) =>
        relative(answer.gradient, from.gradient, offset, length),
      );
      return Math.max(...differences, Math.abs(from.loss - answer.loss) / Math.abs(answer.loss));
    },
    async close() {
      await Promise.all([captured.close(), inTraining.compute.close(), tfjsCpu.compute.close(), torch?.close()]);
    },
  };
}

function relative(expected: ArrayLike<number>, actual: ArrayLike<number>, offset: number, length: number): number {
  let [largest, difference] = [0, 0];
  for (let at = offset; at < offset + length; at++) {
    largest = Math.max(largest, Math.abs(expected[at]!));
    // A number that is missing is a difference without bound.
    difference = Math.max(difference, Math.abs(expected[at]! - (actual[at] ?? Infinity)));
  }
  return difference / largest;
}

/** An engine with the weights and images that everybody gets, one thread. */
async function openEngine(
  task: Task<CnnTensors>,
  engine: EngineId,
  runs: number,
): Promise<GradientMeasurer & { readonly compute: Compute<CnnTensors> }> {
  const compute = await createCompute({ task, engine, threads: 1 });
  compute.weights.set(initialWeights(compute.layout, SEED));
  compute.weightsChanged();
  const [slot] = compute.trainingSlots;
  const stream = randomStream(randomKey('augmentation', SEED, 0, 0));
  const { image, label, sampleWeights } = slot.tensors;
  for (let at = 0; at < image.length; at++) image[at] = stream.nextUniform();
  for (let at = 0; at < label.length; at++) label[at] = stream.nextBelow(CLASSES.length);
  sampleWeights.fill(1);
  await slot.run();
  const answer = { loss: slot.sum.accounting().loss, gradient: slot.sum.gradient.slice() };
  return {
    compute,
    answer,
    milliseconds: () => timed(() => slot.run(), runs),
  };
}

/** The program of training with the weights and images of an engine, in a session of its own. */
async function openSession(
  task: Task<CnnTensors>,
  { layout, weights, trainingSlots: [slot] }: Compute<CnnTensors>,
): Promise<GradientMeasurer & { close(): Promise<void> }> {
  const program = await captureTrainingProgram(task);
  const session = await createOrtSession(program, { device: 'cpu', threads: 1 });
  const gradient = new Float32Array(layout.length);
  const parts = (whole: Float32Array, prefix: string): Record<string, Float32Array> =>
    Object.fromEntries(
      layout.slots.map(({ name, offset, length }) => [`${prefix}${name}`, whole.subarray(offset, offset + length)]),
    );
  const sums = Object.fromEntries(
    program.outputs.map(({ name, id }) => [name, new Float32Array(elementCount(program.values[id]!.shape))]),
  );
  const { image, label, sampleWeights } = slot.tensors;
  // The session is given memory of its own: that of an engine is shared between threads.
  const own = Object.entries({ ...parts(weights, ''), image, label, sampleWeights });
  const inputs = Object.fromEntries(own.map(([name, values]) => [name, Float32Array.from(values)]));
  const binding = session.bind(inputs, { ...sums, ...parts(gradient, 'grad:') });
  await binding.run();
  return {
    answer: { loss: sums['loss']![0]!, gradient: gradient.slice() },
    milliseconds: () => timed(() => binding.run(), FAST_RUNS),
    close: () => session.close(),
  };
}

/** The median of some runs. What is slow needs no warm-up. */
async function timed(run: () => Promise<void>, runs: number): Promise<number> {
  const times: number[] = [];
  const warmUp = runs > 1 ? WARM_UP : 0;
  for (let at = 0; at < runs + warmUp; at++) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return median(times.slice(warmUp));
}
