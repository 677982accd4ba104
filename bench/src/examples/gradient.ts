/**
 * One micro-batch of layers-cnn, forward and backward, by everybody who can: the engines of training, as a training loop calls
 * them, and PyTorch. All compute the loss and gradients of the same weights and images; what differs is not compared.
 */
import { randomKey, randomStream } from '@facet/shared';
import { createCompute, type Compute, type EngineId } from '@facet/engine';
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
const SEED = 1;
/** One sample of a fast measurer is the median of so many runs. */
const FAST_RUNS = 10;

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
  readonly captured: GradientMeasurer;
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
  /** [MICRO_BATCH, SIDE, SIDE, 3] */
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
    microBatch: MICRO_BATCH,
    seed: SEED,
    labelSmoothing: 0,
  })) as Task<CnnTensors>;
  const captured = await openEngine(task, { name: 'onnxruntime', device: 'cpu' }, FAST_RUNS);
  const { layout, weights } = captured.compute;
  const { image, label } = captured.compute.trainingSlots[0].tensors;
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
      await Promise.all([captured.compute.close(), tfjsCpu.compute.close(), torch?.close()]);
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
    async milliseconds() {
      const times: number[] = [];
      for (let run = 0; run < runs; run++) {
        const startedAt = performance.now();
        await slot.run();
        times.push(performance.now() - startedAt);
      }
      return median(times);
    },
  };
}
