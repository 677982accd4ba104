/**
 * The training program of every model option against PyTorch: loss, correct answers, logits and every gradient. The
 * interpreter computes in float64, so that a formula that is a little wrong cannot hide in rounding; onnxruntime computes
 * what a run computes.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomKey, type ImageShape } from '@facet/shared';
import type { ModelConfig } from '@facet/multiview/config';
import { drawAuxiliary } from '../packages/multiview/src/data/auxiliary-draws.js';
import { createCompute, type Compute } from '../packages/engine/src/compute.js';
import type { MicroBatchTensors } from '../packages/multiview/src/data/micro-batch.js';
import {
  captureEvaluationProgram,
  captureTrainingProgram,
  metricOutput,
} from '../packages/engine/src/micro-batch-program.js';
import { interpretProgram } from '../packages/compiler/src/program/interpret.js';
import { POSITION_PAIRS } from '../packages/multiview/src/model/auxiliary-losses.js';
import { multiViewTask } from '../packages/multiview/src/task/multi-view-task.js';
import { createModel } from '../packages/multiview/src/model/multi-view-transformer.js';
import { initialWeights, layoutParameters, type ParameterLayout } from '../packages/task/src/arithmetic/parameters.js';
import type { Task } from '../packages/task/src/task.js';
import { drawnPixels, drawnWeights } from './drawn-inputs.js';
import { expectClose, storedNumbers, storedTensors } from './stored-numbers.js';

interface StoredShape {
  readonly name: string;
  readonly image: ImageShape;
  readonly classes: number;
  readonly model: ModelConfig;
}

interface ModelCase extends StoredShape {
  /** What the streams of its weights and images are keyed by. */
  readonly number: number;
  readonly labelSmoothing: number;
  /** Share of every target that belongs to the next class. */
  readonly mixedShare: number;
  readonly sampleWeights: readonly number[];
  readonly loss: number;
  readonly correct: number;
  readonly logits: readonly number[];
}

interface LayoutCase extends StoredShape {
  readonly seed: number;
  readonly slots: readonly (readonly [name: string, shape: readonly number[], decays: boolean])[];
}

const { cases } = storedNumbers<{ cases: readonly ModelCase[] }>('model');
const gradients = storedTensors('model');
const { cases: layouts } = storedNumbers<{ cases: readonly LayoutCase[] }>('layout');
const firstValues = storedTensors('layout');

const layoutOf = ({ image, classes, model }: StoredShape): ParameterLayout =>
  layoutParameters(createModel({ image, classes, config: model }).parameters);

const taskOf = ({ image, classes, model, labelSmoothing, sampleWeights }: ModelCase): Task<MicroBatchTensors> =>
  multiViewTask({ image, classes, config: model, microBatch: sampleWeights.length, labelSmoothing });

/** The inputs of the training program beside the parameters, by name. */
function inputsOf(of: ModelCase): Record<string, Float32Array> {
  const { image, classes, number, mixedShare, sampleWeights } = of;
  const rows = sampleWeights.length;
  const targets = new Float32Array(rows * classes);
  for (let row = 0; row < rows; row++) {
    targets[row * classes + (row % classes)]! += 1 - mixedShare;
    targets[row * classes + ((row + 1) % classes)]! += mixedShare;
  }
  const { tokens, hasAuxiliary } = createModel({ image, classes, config: of.model });
  const draws = {
    tokenPairs: new Float32Array(2 * POSITION_PAIRS * tokens),
    hiddenTokens: new Float32Array(tokens),
  };
  if (hasAuxiliary) drawAuxiliary(draws, randomKey('auxiliary', number, 1, 0));
  return {
    images: drawnPixels(rows * image.channels * image.height * image.width, number),
    targets,
    sampleWeights: Float32Array.from(sampleWeights),
    ...(hasAuxiliary && draws),
  };
}

function expectGradient(of: ModelCase, actual: (name: string) => ArrayLike<number>, share: number): void {
  const expected = gradients.get(of.name)!;
  const { slots, length } = layoutOf(of);
  expect(length).toBe(expected.length);
  for (const { name, offset, length } of slots) {
    expectClose(actual(name), expected.subarray(offset, offset + length), share, `gradient of ${name}`);
  }
}

describe.each(cases)('$name', (of) => {
  it('has the loss, the answers and the gradients of PyTorch', async () => {
    const layout = layoutOf(of);
    const weights = drawnWeights(layout.slots, of.number);
    const parameters = Object.fromEntries(
      layout.slots.map(({ name, offset, length }) => [name, weights.subarray(offset, offset + length)]),
    );
    const inputs = { ...parameters, ...inputsOf(of) };
    const outputs = interpretProgram(await captureTrainingProgram(taskOf(of)), inputs);
    expectClose(outputs.loss!, [of.loss], 2e-6, 'loss');
    expectClose(outputs[metricOutput('correct')]!, [of.correct], 1e-6, 'correct');
    expectGradient(of, (name) => outputs[`grad:${name}`]!, 1e-5);
    const { logits } = interpretProgram(await captureEvaluationProgram(taskOf(of)), inputs);
    expectClose(logits!, of.logits, 2e-6, 'logits');
  });
});

describe('on onnxruntime', () => {
  let compute: Compute<MicroBatchTensors>;
  // Everything that one model can have at once; the others run there in conformance tests.
  const of = cases.find(({ name }) => name === 'both auxiliary losses, shuffled')!;
  beforeAll(async () => {
    compute = await createCompute({ task: taskOf(of), engine: { name: 'onnxruntime', device: 'cpu' }, threads: 1 });
  });
  afterAll(() => compute.close());

  it('a model has the same', async () => {
    const { layout } = compute;
    compute.weights.set(drawnWeights(layout.slots, of.number));
    const [slot] = compute.trainingSlots;
    const { images, targets, sampleWeights, tokenPairs, hiddenTokens } = inputsOf(of);
    slot.tensors.images.set(images!);
    slot.tensors.targets.set(targets!);
    slot.tensors.sampleWeights.set(sampleWeights!);
    slot.tensors.tokenPairs!.set(tokenPairs!);
    slot.tensors.hiddenTokens!.set(hiddenTokens!);
    await slot.run();
    const partOf = new Map(layout.slots.map((part) => [part.name, part]));
    expectGradient(
      of,
      (name) =>
        slot.sum.gradient.subarray(partOf.get(name)!.offset, partOf.get(name)!.offset + partOf.get(name)!.length),
      1e-4,
    );
  });
});

describe.each(layouts)('the parameters of a model with $name', (of) => {
  it('have the names, shapes, order, decay and first values of the specification', () => {
    const layout = layoutOf(of);
    expect(layout.slots.map(({ name, shape, decays }) => [name, shape, decays])).toEqual(of.slots);
    expectClose(initialWeights(layout, of.seed), firstValues.get(of.name)!, 1e-7, 'first values');
  });
});
