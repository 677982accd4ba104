/**
 * Probes an engine with a real forward and backward pass of a small model, compared with the reference, and times it on a
 * given program. Workers and `facet doctor` judge an engine by this probe, never by a version number.
 */
import { randomKey, randomStream, TrainingError, type ErrorCode } from '@facet/shared';
import { initialWeights, type BatchTensors, type Task } from '@facet/task';
import { createCompute, type Compute } from './compute.js';
import type { Device, EngineId, EngineName } from './engine-id.js';
import { PROBE_TASK } from './probe-task.js';
import { computeReference, deviationFrom } from './reference.js';

export interface EngineProbe {
  readonly name: EngineName;
  readonly device: Device;
  readonly ok: boolean;
  /** What works, or why not and what to do. */
  readonly detail: string;
  /** What it failed with; ENGINE_UNAVAILABLE means that the engine or its hardware is not here. */
  readonly code?: ErrorCode;
  /** Median time of one micro-batch of the timed program; undefined when it did not run. */
  readonly milliseconds: number | undefined;
  readonly maxRelativeError: number | undefined;
}

/** The task whose training program is timed. */
export interface TimedProgram {
  readonly task: Task;
  readonly threads: number;
  /** Folder of TensorFlow's binding; absent: the one found on this machine. */
  readonly binding?: string;
}

/** Two correct engines differ by rounding only; a wrong one by far more. */
export const PROBE_TOLERANCE = 1e-4;

const TIMED_RUNS = 5;
/** A slow engine is timed by fewer runs. */
const TIMING_BUDGET_MS = 2_000;

/** Probes one engine; whatever happens is the result. */
export async function probeEngine(
  engine: EngineId,
  timed: TimedProgram = { task: PROBE_TASK, threads: 1 },
): Promise<EngineProbe> {
  try {
    const maxRelativeError = await withCompute(engine, { ...timed, task: PROBE_TASK }, compareWithReference);
    // Written so that a NaN fails as well.
    if (!(maxRelativeError <= PROBE_TOLERANCE)) {
      const detail = `gradients differ by ${maxRelativeError.toExponential(1)}, expected at most ${PROBE_TOLERANCE}; do not train on it`;
      return { ...engine, ok: false, detail, milliseconds: undefined, maxRelativeError };
    }
    const milliseconds = await withCompute(engine, timed, medianMilliseconds);
    return { ...engine, ok: true, detail: 'gradients agree with the reference', milliseconds, maxRelativeError };
  } catch (caught) {
    const { code, message: detail } = TrainingError.from(caught);
    return { ...engine, ok: false, detail, code, milliseconds: undefined, maxRelativeError: undefined };
  }
}

async function withCompute(
  engine: EngineId,
  timed: TimedProgram,
  measure: (compute: Compute, task: Task) => Promise<number>,
): Promise<number> {
  const { task } = timed;
  const compute = await createCompute({ ...timed, engine });
  try {
    compute.weights.set(initialWeights(compute.layout, 1));
    fillWithNoise(task, compute.trainingSlots[0].tensors);
    return await measure(compute, task);
  } finally {
    await compute.close();
  }
}

/** Numbers in [0, 1]; whatever they mean to the task, they cost what samples cost. */
function fillWithNoise({ inputs }: Task, tensors: BatchTensors): void {
  const stream = randomStream(randomKey('initialisation', 7));
  for (const { name } of inputs) {
    const values = (tensors as unknown as Record<string, Float32Array>)[name]!;
    values.forEach((_, i) => (values[i] = stream.nextUniform()));
  }
  tensors.sampleWeights.fill(1);
}

/** The largest relative error of loss and gradient. */
async function compareWithReference({ layout, weights, trainingSlots: [slot] }: Compute, task: Task): Promise<number> {
  await slot.run();
  const actual = { loss: slot.sum.accounting().loss, gradient: slot.sum.gradient };
  const reference = await computeReference(task, layout, weights, slot.tensors);
  const deviation = deviationFrom(reference, layout, actual);
  return Math.max(deviation.loss, deviation.gradient);
}

async function medianMilliseconds({ trainingSlots: [slot] }: Compute): Promise<number> {
  // The first run compiles kernels and takes in the weights.
  await slot.run();
  const times: number[] = [];
  const startedAt = performance.now();
  while (times.length < TIMED_RUNS && performance.now() - startedAt < TIMING_BUDGET_MS) {
    const runStartedAt = performance.now();
    await slot.run();
    times.push(performance.now() - runStartedAt);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)]!;
}
