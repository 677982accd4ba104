/**
 * An engine without a model: the "gradient" of a parameter is a curved function of its weight and of every pixel. It takes
 * virtual time, and like a real engine it reads the weights when it starts and writes the result when it is done.
 */
import { pause, TrainingError, type Clock } from '@facet/shared';
import {
  createGradientSum,
  gradientSumLength,
  layoutParameters,
  type BatchTensors,
  type GradientSum,
  type ParameterSpec,
  type Task,
} from '@facet/task';
import type { Compute, EvaluationSlot, TrainingSlot } from '@facet/engine';

const PARAMETERS: readonly ParameterSpec[] = [
  { name: 'scale', shape: [2, 2], initialiser: { kind: 'normal', stddev: 0.5 }, decays: true },
  { name: 'shift', shape: [3], initialiser: { kind: 'constant', value: 0.1 }, decays: false },
];
const LAYOUT = layoutParameters(PARAMETERS);
const METRICS = ['correct'] as const;
const CLASSES = 2;

/** One pixel of every sample, [microBatch], in [0, 1]. */
export interface TinyTensors extends BatchTensors {
  readonly pixels: Float32Array;
}

/** A task that is computed by hand: there is nothing to capture. */
export function createTinyTask(microBatch: number): Task<TinyTensors> {
  const captured = (): never => {
    throw new TrainingError('INTERNAL', 'the task of the simulation has no program');
  };
  return {
    name: 'tiny',
    microBatch,
    parameters: PARAMETERS,
    inputs: [{ name: 'pixels', shape: [microBatch] }],
    metrics: METRICS,
    answer: { kind: 'class', classes: CLASSES, label: 'label' },
    predictInputs: ['pixels'],
    prepare({ fields }, { pixels }) {
      pixels.fill(0);
      fields['image']!.forEach((byte, row) => (pixels[row] = byte / 255));
    },
    loss: captured,
    predict: captured,
    reference: { module: import.meta.url, argument: microBatch },
  };
}

export interface TinyComputeOptions {
  readonly task: Task<TinyTensors>;
  readonly clock: Clock;
  /** How long one micro-batch takes, asked for each. */
  readonly durationMs: () => number;
  /** Called for every gradient that was computed. */
  readonly onGradient: () => void;
}

export function createTinyCompute({
  task: { microBatch },
  clock,
  durationMs,
  onGradient,
}: TinyComputeOptions): Compute<TinyTensors> {
  const weights = new Float32Array(LAYOUT.length);
  const allocate = (): TinyTensors => ({
    pixels: new Float32Array(microBatch),
    sampleWeights: new Float32Array(microBatch),
  });

  const trainingSlot = (): TrainingSlot<TinyTensors> => {
    const tensors = allocate();
    const sum = emptySum();
    const accounting = { count: 0, checksum: 0 };
    return {
      tensors,
      inputGradient: undefined,
      sum,
      accounting,
      async run() {
        const computed = gradientOf(weights, tensors);
        await pause(clock, durationMs());
        onGradient();
        sum.whole.set(computed.whole);
        sum.account(accounting);
      },
    };
  };
  const evaluationSlot = (): EvaluationSlot<TinyTensors> => {
    const tensors = allocate();
    const logits = new Float32Array(microBatch * CLASSES);
    return {
      tensors,
      outputs: { logits },
      async run() {
        const [first = 0, second = 0] = weights;
        const computed = logits.map((_, at) => (at % CLASSES === 0 ? first : second) * tensors.pixels[at >> 1]!);
        await pause(clock, durationMs());
        logits.set(computed);
      },
    };
  };
  return {
    layout: LAYOUT,
    weights,
    weightsChanged: () => undefined,
    programSha256: 'a'.repeat(64),
    trainingSlots: [trainingSlot(), trainingSlot()],
    evaluationSlots: [evaluationSlot(), evaluationSlot()],
    close: () => Promise.resolve(),
  };
}

function emptySum(): GradientSum {
  const layout = { parameters: LAYOUT.length, metrics: METRICS };
  return createGradientSum(new Float32Array(gradientSumLength(layout)), layout);
}

/** Gradient and loss, summed over the samples; nobody has counted them yet. */
function gradientOf(weights: Float32Array, { pixels, sampleWeights }: TinyTensors): GradientSum {
  const sum = emptySum();
  let loss = 0;
  sampleWeights.forEach((isSample, row) => {
    if (isSample === 0) return;
    const pixel = pixels[row]!;
    weights.forEach((weight, at) => {
      sum.gradient[at]! += Math.sin(weight * 3 + pixel * (at + 1)) / (at + 1);
    });
    loss += Math.abs(weights[0]! - pixel);
  });
  sum.account({ loss });
  return sum;
}
