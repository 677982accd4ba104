/**
 * An engine without a model: the "gradient" of a parameter is a curved function of its weight and of every pixel. It takes
 * virtual time, and like a real engine it reads the weights when it starts and writes the result when it is done.
 */
import { pause, type Clock } from '@facet/shared';
import { createGradientSum, gradientSumLength, layoutParameters, type GradientSum } from '@facet/task';
import { allocateMicroBatch, type Compute, type TrainingSlot } from '@facet/worker/internal';
import type { TinyRun } from './tiny-run.js';

const LAYOUT = layoutParameters([
  { name: 'scale', shape: [2, 2], initialiser: { kind: 'normal', stddev: 0.5 }, decays: true },
  { name: 'shift', shape: [3], initialiser: { kind: 'constant', value: 0.1 }, decays: false },
]);

export interface TinyComputeOptions {
  readonly run: TinyRun;
  readonly clock: Clock;
  /** How long one micro-batch takes, asked for each. */
  readonly durationMs: () => number;
  /** Called for every gradient that was computed. */
  readonly onGradient: () => void;
}

export function createTinyCompute({ run, clock, durationMs, onGradient }: TinyComputeOptions): Compute {
  const { config, dataset } = run;
  const classes = dataset.classes.length;
  const weights = new Float32Array(LAYOUT.length);

  const trainingSlot = (): TrainingSlot => {
    const tensors = allocateMicroBatch(config.batch.micro, dataset.image, classes);
    const sum = emptySum();
    const accounting = { count: 0, checksum: 0 };
    return {
      tensors,
      pixelGradient: undefined,
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
  const evaluationSlot = () => {
    const tensors = allocateMicroBatch(config.batch.micro, dataset.image, classes);
    const logits = new Float32Array(config.batch.micro * classes);
    return {
      tensors,
      logits,
      async run() {
        const [first = 0, second = 0] = weights;
        const computed = logits.map((_, at) => (at % classes === 0 ? first : second) * tensors.images[at >> 1]!);
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
  return createGradientSum(new Float32Array(gradientSumLength(LAYOUT.length)), LAYOUT.length);
}

/** Gradient and loss, summed over the samples; nobody has counted them yet. */
function gradientOf(weights: Float32Array, { images, sampleWeights }: TrainingSlot['tensors']): GradientSum {
  const sum = emptySum();
  let loss = 0;
  sampleWeights.forEach((isSample, row) => {
    if (isSample === 0) return;
    const pixel = images[row]!;
    weights.forEach((weight, at) => {
      sum.gradient[at]! += Math.sin(weight * 3 + pixel * (at + 1)) / (at + 1);
    });
    loss += Math.abs(weights[0]! - pixel);
  });
  sum.account({ loss });
  return sum;
}
