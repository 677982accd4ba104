/**
 * The reference: the training function as it is written, run eagerly on tfjs's plain CPU backend. Slow, simple and
 * independent of capture, passes, the ONNX writer and onnxruntime, which are checked against it.
 */
import * as tf from '@tensorflow/tfjs';
import type { BatchTensors, ParameterLayout, Task } from '@facet/task';
import { describeTraining, metricOutput } from './micro-batch-program.js';

export interface ReferenceResult {
  readonly loss: number;
  /** Sums of the task's metrics, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  /** [parameters], summed over the samples */
  readonly gradient: Float32Array;
}

/** Computes one micro-batch on the reference engine. */
export async function computeReference(
  task: Task,
  layout: ParameterLayout,
  weights: Float32Array,
  batch: BatchTensors,
): Promise<ReferenceResult> {
  // Else this backend prints advice to take another one.
  tf.enableProdMode();
  await tf.setBackend('cpu');
  tf.engine().startScope();
  try {
    const inputs = new Map<string, tf.Tensor>();
    for (const { name, shape: sizes, offset, length } of layout.slots) {
      inputs.set(name, tf.tensor(weights.slice(offset, offset + length), [...sizes]));
    }
    for (const { name, shape } of task.inputs) {
      inputs.set(name, tf.tensor((batch as unknown as Record<string, Float32Array>)[name]!, [...shape]));
    }
    inputs.set('sampleWeights', tf.tensor1d(batch.sampleWeights));
    const outputs = describeTraining(task).build(inputs);
    const gradient = new Float32Array(layout.length);
    for (const { name, offset } of layout.slots) gradient.set(outputs[`grad:${name}`]!.dataSync(), offset);
    const read = (name: string): number => outputs[name]!.dataSync()[0]!;
    const loss = read('loss');
    const metrics = Object.fromEntries(task.metrics.map((name) => [name, read(metricOutput(name))]));
    tf.dispose(outputs);
    return { loss, metrics, gradient };
  } finally {
    tf.engine().endScope();
  }
}

export interface GradientDeviation {
  readonly loss: number;
  /** Largest deviation of a gradient, relative to the largest element of its tensor. */
  readonly gradient: number;
  readonly worstParameter: string;
}

/** Compares a flat gradient with the reference, tensor by tensor. */
export function deviationFrom(
  reference: ReferenceResult,
  layout: ParameterLayout,
  actual: { loss: number; gradient: Float32Array },
): GradientDeviation {
  let worst = { gradient: 0, worstParameter: '' };
  for (const { name, offset, length } of layout.slots) {
    let largest = 0;
    let difference = 0;
    for (let i = offset; i < offset + length; i++) {
      largest = Math.max(largest, Math.abs(reference.gradient[i]!));
      difference = Math.max(difference, Math.abs(reference.gradient[i]! - actual.gradient[i]!));
    }
    const relative = difference / Math.max(largest, 1e-6);
    // A NaN is the worst of all.
    if (!(relative <= worst.gradient)) worst = { gradient: relative, worstParameter: name };
  }
  return { loss: Math.abs(reference.loss - actual.loss) / Math.abs(reference.loss), ...worst };
}
