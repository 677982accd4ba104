/**
 * Probes an engine with a real forward and backward pass of a small model, compared with the reference. What a worker or
 * `facet doctor` says about an engine comes from here, never from a version number.
 */
import { PRESETS, randomKey, randomStream, TrainingError } from '@facet/shared';
import { initialWeights } from '../model/parameters.js';
import { createCompute } from './compute.js';
import { ENGINES, type EngineId } from './engine-id.js';
import type { MicroBatchShape } from './micro-batch-program.js';
import { computeReference, deviationFrom } from './reference.js';

export interface EngineProbe {
  readonly name: string;
  readonly device: string;
  readonly ok: boolean;
  /** What works, or why not and what to do. */
  readonly detail: string;
  /** Time of one micro-batch; undefined when it did not run. */
  readonly milliseconds: number | undefined;
  readonly maxRelativeError: number | undefined;
}

/** Two correct engines differ by rounding only; a wrong one by far more. */
export const PROBE_TOLERANCE = 1e-4;

/** The small model that probes and engine tests run: every part of the real one, few of each. */
export const PROBE_SHAPE: MicroBatchShape = {
  image: { height: 12, width: 12, channels: 1 },
  classes: 10,
  config: { ...PRESETS['mnist-fast'].model, width: 16, depth: 2, heads: 2 },
  microBatch: 6,
  labelSmoothing: 0.1,
};

/** Probes every device of every engine of this version, one after the other. */
export async function probeEngines(): Promise<EngineProbe[]> {
  const probes: EngineProbe[] = [];
  for (const engine of ENGINES) if (engine.name === 'onnxruntime') probes.push(await probeEngine(engine));
  return probes;
}

/**
 * Probes one engine; it never throws.
 *
 * @param binding the folder of TensorFlow's binding; the one found on this machine when absent
 */
export async function probeEngine(engine: EngineId, binding?: string): Promise<EngineProbe> {
  const { name, device } = engine;
  try {
    const { milliseconds, maxRelativeError } = await measure(engine, binding);
    const ok = maxRelativeError <= PROBE_TOLERANCE;
    const detail = ok
      ? 'gradients agree with the reference'
      : `gradients differ by ${maxRelativeError.toExponential(1)}, at most ${PROBE_TOLERANCE} is right; do not train on it`;
    return { name, device, ok, detail, milliseconds, maxRelativeError };
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    return { name, device, ok: false, detail: message, milliseconds: undefined, maxRelativeError: undefined };
  }
}

async function measure(
  engine: EngineId,
  binding: string | undefined,
): Promise<{ milliseconds: number; maxRelativeError: number }> {
  const options = { shape: PROBE_SHAPE, engine, threads: 1 };
  const compute = await createCompute(binding === undefined ? options : { ...options, binding });
  compute.weights.set(initialWeights(compute.layout, 1));
  try {
    const [slot] = compute.trainingSlots;
    const stream = randomStream(randomKey('initialisation', 7));
    slot.tensors.images.forEach((_, i) => (slot.tensors.images[i] = stream.nextUniform()));
    slot.tensors.sampleWeights.fill(1);
    for (let row = 0; row < PROBE_SHAPE.microBatch; row++) slot.tensors.targets[row * PROBE_SHAPE.classes + row] = 1;
    await slot.run();
    const startedAt = performance.now();
    await slot.run();
    const milliseconds = performance.now() - startedAt;
    const reference = await computeReference(PROBE_SHAPE, compute.layout, compute.weights, slot.tensors);
    const actual = {
      loss: slot.result[compute.layout.length]!,
      gradient: slot.result.subarray(0, compute.layout.length),
    };
    const deviation = deviationFrom(reference, compute.layout, actual);
    return { milliseconds, maxRelativeError: Math.max(deviation.loss, deviation.gradient) };
  } finally {
    await compute.close();
  }
}
