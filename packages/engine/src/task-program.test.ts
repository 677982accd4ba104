/**
 * Programs of a task that is no image model: two fields, several metrics, answers that are no classes. What an engine computes
 * of them is compared with arithmetic by hand.
 */
import type * as tf from '@tensorflow/tfjs';
import type { BatchTensors, SampleLosses, Task, Tensors } from '@facet/task';
import { afterEach, describe, expect, it } from 'vitest';
import { createCompute, type Compute } from './compute.js';
import { judgeAnswers } from './judge-answers.js';
import { captureEvaluationProgram, captureTrainingProgram } from './micro-batch-program.js';

const ROWS = 4;
const CPU = { name: 'onnxruntime', device: 'cpu' } as const;

interface LineTensors extends BatchTensors {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

/** Fits y = a x + b by least squares; counts how far it is off, and how many are off by more than 1. */
const lineLosses = (parameters: Tensors, inputs: Tensors): SampleLosses => {
  const off: tf.Tensor1D = parameters.get('a')!.mul(inputs.get('x')!).add(parameters.get('b')!).sub(inputs.get('y')!);
  return {
    losses: off.square(),
    metrics: { far: off.abs().greater(1).cast<tf.Tensor1D>('float32'), off: off.abs() },
  };
};

const lineTask = (changes: Partial<Task<LineTensors>> = {}): Task<LineTensors> => ({
  name: 'line',
  microBatch: ROWS,
  parameters: [
    { name: 'a', shape: [1], initialiser: { kind: 'constant', value: 2 }, decays: true },
    { name: 'b', shape: [1], initialiser: { kind: 'constant', value: -1 }, decays: false },
  ],
  inputs: [
    { name: 'x', shape: [ROWS] },
    { name: 'y', shape: [ROWS] },
  ],
  metrics: ['off', 'far'],
  answer: { kind: 'losses' },
  predictInputs: ['x'],
  prepare: () => undefined,
  loss: lineLosses,
  predict: (parameters, inputs) => parameters.get('a')!.mul(inputs.get('x')!).add(parameters.get('b')!),
  reference: { module: import.meta.url, argument: null },
  ...changes,
});

describe('a task with several metrics', () => {
  let compute: Compute<LineTensors> | undefined;
  afterEach(() => compute?.close());

  const x = [1, 2, 3, 50];
  const y = [1.5, 1, 5.25, -50];
  /** 2 x - 1 - y of the samples; the last row is padding. */
  const off = [-0.5, 2, -0.25];
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
  const fill = ({ x: xs, y: ys, sampleWeights }: LineTensors): void => {
    xs.set(x);
    ys.set(y);
    sampleWeights.set([1, 1, 1, 0]);
  };

  it('has the loss, the metrics and the gradient of its samples in one sum', async () => {
    compute = await createCompute({ task: lineTask(), engine: CPU, threads: 1 });
    compute.weights.set([2, -1]);
    const [slot] = compute.trainingSlots;
    fill(slot.tensors);
    slot.accounting.count = 3;
    slot.accounting.checksum = 17;
    await slot.run();
    expect(slot.sum.accounting()).toEqual({
      loss: sum(off.map((value) => value ** 2)),
      metrics: { off: 2.75, far: 1 },
      count: 3,
      checksum: 17,
    });
    expect([...slot.sum.gradient]).toEqual([sum(off.map((value, row) => 2 * value * x[row]!)), sum(off) * 2]);
    expect(slot.inputGradient).toBeUndefined();
  });

  it('is evaluated by losses and metrics of every row', async () => {
    compute = await createCompute({ task: lineTask(), engine: CPU, threads: 1 });
    compute.weights.set([2, -1]);
    const [slot] = compute.evaluationSlots;
    fill(slot.tensors);
    await slot.run();
    expect(Object.keys(slot.outputs).sort()).toEqual(['losses', 'metric:far', 'metric:off']);
    const rows = (name: string): number[] => [...slot.outputs[name]!.subarray(0, 3)];
    expect(rows('losses')).toEqual(off.map((value) => value ** 2));
    expect(rows('metric:off')).toEqual(off.map(Math.abs));
    expect(rows('metric:far')).toEqual([0, 1, 0]);
  });

  it('is evaluated by logits and by its own metrics where answers are classes', async () => {
    // Logits of two classes: 0, and what the line is off. What is right is counted from them.
    const answers = {
      ...{ answer: { kind: 'class', classes: 2, label: 'y' } as const, metrics: ['correct', 'off', 'far'] },
      predict: (parameters: Tensors, inputs: Tensors): tf.Tensor =>
        lineTask()
          .predict(parameters, inputs)
          .expandDims(1)
          .mul([[0, 1]]),
      loss: (parameters: Tensors, inputs: Tensors): SampleLosses => {
        const { losses, metrics } = lineLosses(parameters, inputs);
        return { losses, metrics: { ...metrics, correct: losses } };
      },
    };
    compute = await createCompute({ task: lineTask(answers), engine: CPU, threads: 1 });
    compute.weights.set([2, -1]);
    const [slot] = compute.evaluationSlots;
    fill(slot.tensors);
    await slot.run();
    expect(Object.keys(slot.outputs).sort()).toEqual(['logits', 'metric:far', 'metric:off']);
    expect([...slot.outputs['logits']!.subarray(0, 6)]).toEqual([0, 1, 0, 3, 0, 5]);
    const samples = { ids: Uint32Array.of(0, 1, 2), fields: { y: Uint8Array.of(0, 1, 1) } };
    const confusion = new Uint32Array(4);
    const judged = judgeAnswers(lineTask(answers), slot.outputs, samples, confusion);
    expect(judged.metrics).toEqual({ off: 2.75, far: 1 });
    expect(judged.lossSum).toBeCloseTo(Math.log1p(Math.E) + Math.log1p(Math.exp(-3)) + Math.log1p(Math.exp(-5)), 12);
    expect([...confusion]).toEqual([0, 1, 0, 2]);
  });

  it('reads no more than its prediction where answers are classes and nothing else is asked', async () => {
    const answer = { kind: 'class', classes: 2, label: 'y' } as const;
    const predict: Task['predict'] = (parameters, inputs) =>
      lineTask()
        .predict(parameters, inputs)
        .expandDims(1)
        .mul([[0, 1]]);
    const program = await captureEvaluationProgram(lineTask({ answer, metrics: ['correct'], predict }));
    expect(program.inputs.map(({ name }) => name)).toEqual(['a', 'b', 'x']);
  });
});

describe('a task is refused', () => {
  const EXPECTED = 'expected a tensor [4], where 4 is batch.micro; give one row for each sample';
  const loses = (change: (losses: SampleLosses) => unknown): Partial<Task<LineTensors>> => ({
    loss: (parameters, inputs) => change(lineLosses(parameters, inputs)) as SampleLosses,
  });

  it.each<readonly [string, Partial<Task<LineTensors>>, string]>([
    [
      'a loss that is already summed',
      loses(({ losses, metrics }) => ({ losses: losses.sum(), metrics })),
      `the task line is wrong: its loss is a tensor [], ${EXPECTED}`,
    ],
    [
      'a loss with a column too many',
      loses(({ losses, metrics }) => ({ losses: losses.expandDims(1), metrics })),
      `the task line is wrong: its loss is a tensor [4, 1], ${EXPECTED}`,
    ],
    ['no loss', loses(({ metrics }) => ({ metrics })), `the task line is wrong: its loss is undefined, ${EXPECTED}`],
    [
      'a loss that is a number',
      loses(({ metrics }) => ({ losses: 1, metrics })),
      `the task line is wrong: its loss is number, ${EXPECTED}`,
    ],
    [
      'a metric that is summed',
      loses(({ losses, metrics }) => ({ losses, metrics: { ...metrics, far: metrics['far']!.sum() } })),
      `the task line is wrong: its metric far is a tensor [], ${EXPECTED}`,
    ],
    [
      'a metric that is missing',
      loses(({ losses, metrics }) => ({ losses, metrics: { far: metrics['far'] } })),
      `the task line is wrong: its metric off is undefined, ${EXPECTED}`,
    ],
  ])('with %s, in training and in evaluation', async (_, changes, message) => {
    for (const capture of [captureTrainingProgram, captureEvaluationProgram]) {
      await expect(capture(lineTask(changes))).rejects.toMatchObject({ code: 'TASK_INVALID', message });
    }
  });

  it('with a prediction that is not one row of classes for each sample', async () => {
    const task = lineTask({ answer: { kind: 'class', classes: 3, label: 'label' } });
    await expect(captureEvaluationProgram(task)).rejects.toMatchObject({
      code: 'TASK_INVALID',
      message:
        'the task line is wrong: its prediction is a tensor [4], expected a tensor [4, 3], where 4 is batch.micro; give one row for each sample',
    });
  });
});
