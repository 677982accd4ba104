/**
 * Runs a task's functions eagerly on tfjs's current backend, bound to named buffers as a captured program is. A run leaves
 * nothing behind: after it there are as many tensors as before it, which every run checks, because a leak of one tensor a
 * step ends a long run days later, far from its cause.
 */
import * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@facet/shared';
import type { Task } from '@facet/task';
import type { BufferSlice } from '../engine-protocol.js';
import { describeEvaluation, describeTraining } from '../micro-batch-program.js';
import type { BufferValues, EagerSessionPlan } from './process-protocol.js';

export interface EagerSession {
  /**
   * Runs a binding once.
   *
   * @param changed buffers that changed since the last run; kept by reference until they are replaced
   * @returns the buffers that the binding writes; valid until the next run
   */
  run(binding: number, changed: BufferValues): BufferValues;
  close(): void;
}

/** Opens a session for a task on the current backend; nothing else may make tensors while it is open. */
export function openEagerSession(plan: EagerSessionPlan, task: Task): EagerSession {
  const functions = plan.functions.map((name) =>
    name === 'train' ? describeTraining(task) : describeEvaluation(task),
  );
  const buffers = new Map<string, Float32Array>(
    Object.entries(plan.bufferLengths).map(([name, length]) => [name, new Float32Array(length)]),
  );
  const resident = new Map<string, tf.Tensor>();
  const tensorsBefore = tf.memory().numTensors;

  const valuesOf = ({ buffer, offset, length }: BufferSlice): Float32Array =>
    buffers.get(buffer)!.subarray(offset, offset + length);

  const releaseResident = (): void => {
    for (const tensor of resident.values()) tensor.dispose();
    resident.clear();
  };

  /** Makes the tensors of the resident buffer that are missing; outside of any scope, so that they outlive the run. */
  const keepResident = (inputs: readonly NamedSlice[]): void => {
    for (const { name, shape, slice } of inputs) {
      if (slice.buffer !== plan.residentBuffer || resident.has(name)) continue;
      resident.set(name, tf.tensor(valuesOf(slice), [...shape]));
    }
  };

  const bindings = plan.bindings.map(({ program, inputs, outputs }) => {
    const described = functions[program]!;
    return {
      build: described.build,
      inputs: described.inputs.map(({ name, shape }) => ({ name, shape, slice: inputs[name]! })),
      outputs: Object.entries(outputs),
      written: [...new Set(Object.values(outputs).map(({ buffer }) => buffer))],
    };
  });

  return {
    run(index, changed) {
      const { build, inputs, outputs, written } = bindings[index]!;
      for (const [name, values] of Object.entries(changed)) buffers.set(name, values);
      if (plan.residentBuffer in changed) releaseResident();
      keepResident(inputs);
      tf.engine().startScope();
      try {
        const tensors = new Map(
          inputs.map(({ name, shape, slice }) => [name, resident.get(name) ?? tf.tensor(valuesOf(slice), [...shape])]),
        );
        const results = build(tensors);
        for (const [name, slice] of outputs) valuesOf(slice).set(results[name]!.dataSync());
        tf.dispose(results);
      } finally {
        tf.engine().endScope();
      }
      requireNoGrowth(tensorsBefore + resident.size);
      return Object.fromEntries(written.map((name) => [name, buffers.get(name)!]));
    },
    close: releaseResident,
  };
}

interface NamedSlice {
  readonly name: string;
  readonly shape: readonly number[];
  readonly slice: BufferSlice;
}

function requireNoGrowth(expected: number): void {
  const { numTensors } = tf.memory();
  if (numTensors === expected) return;
  throw new TrainingError(
    'INTERNAL',
    `after a run there are ${numTensors} tensors, expected ${expected}: the task keeps tensors that it makes; dispose them`,
  );
}
