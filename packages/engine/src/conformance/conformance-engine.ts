/**
 * The engines that the conformance suite runs on, each behind one function. An engine that does not work here says why and
 * what to do about it; the suite skips it by that reason. An engine is added by an entry in `conformanceEngines`.
 */
import * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@facet/shared';
import { optimise, type NumbersByName, elementCount, type NamedValue, type Program } from '@facet/compiler';
import type { Device } from '../engine-id.js';
import { createOrtSession, type Buffers } from '../onnxruntime/ort-session.js';
import type { Computation } from './op-case.js';
import { findVulkanDriver } from './vulkan-driver.js';

/** Names of cases with the reason why the engine is different in them. */
export type Differences = Readonly<Record<string, string>>;

export interface ConformanceEngine {
  readonly name: string;
  /** Why it does not work here, and what to do; undefined when it works. */
  readonly unavailable: string | undefined;
  /** Cases that it cannot compute. */
  readonly missing: Differences;
  /** Relative bounds for cases whose precision its standard leaves open. */
  readonly tolerances: Readonly<Record<string, number>>;
  /** Cases in which it hides NaN or an infinity, or why it promises nothing about them at all. */
  readonly nonFinite: Differences | string;
  /** Cases with a node that its device has no kernel for; undefined for a processor. */
  readonly onProcessor: Differences | undefined;
  /** Computes the outputs for every set of inputs. A program is optimised before it runs. */
  readonly run: (computation: Computation, inputSets: readonly NumbersByName[]) => Promise<NumbersByName[]>;
}

const PAIRWISE_BATCHES = 'tfjs-cpu multiplies batches of which both broadcast as if only one did';
const WHOLE_WINDOW = 'tfjs-cpu divides the gradient of an average at the border by the whole window';
const SWAPPED_SIZES = 'tfjs-cpu swaps height and width in the gradient of resizeBilinear';
const SKIPS_ZEROS = 'tfjs-cpu does not multiply NaN by the zeros between and around the elements of an image';
const PASSES_NAN = 'tfjs-cpu passes over NaN in a maximum';
const RESIZES_BY_INDEX = 'tfjs-cpu resizes by indices, a program by a product that spreads NaN over a row';
const NO_ARG_MAX = 'ArgMax returns int64, which WebGPU does not have';
/** https://www.w3.org/TR/WGSL/#floating-point-accuracy: sin and cos have an absolute error of up to 2^-11. */
const WGSL_SINE = 2 ** -11;

/** Every engine of this machine. Call it before anything in the process has used WebGPU. */
export async function conformanceEngines(): Promise<ConformanceEngine[]> {
  const driver = await findVulkanDriver();
  if (driver.icdFile !== undefined) process.env['VK_ICD_FILENAMES'] = driver.icdFile;
  return [
    {
      name: 'tfjs-cpu/cpu',
      unavailable: undefined,
      missing: {
        'matMul of batches that broadcast': PAIRWISE_BATCHES,
        'matMul of batches that broadcast, a transposed': PAIRWISE_BATCHES,
        'matMul of batches that broadcast, b transposed': PAIRWISE_BATCHES,
        'matMul of batches that broadcast, a transposed, b transposed': PAIRWISE_BATCHES,
        'logSoftmax in one kernel': 'tfjs-cpu has no kernel LogSoftmax',
        'avgPool, 3x3 same, stride 2, odd size': WHOLE_WINDOW,
        'resizeBilinear, 2 times': SWAPPED_SIZES,
        'resizeBilinear, odd size, corners aligned': SWAPPED_SIZES,
      },
      tolerances: {},
      nonFinite: {
        sign: 'tfjs-cpu says that the sign of NaN is 0',
        'conv2d, 3x2 valid': SKIPS_ZEROS,
        'conv1d, causal width 3': SKIPS_ZEROS,
        'conv2dTranspose, stride 2 same': SKIPS_ZEROS,
        'conv2dTranspose, stride 1 valid': SKIPS_ZEROS,
        'maxPool, 2x2': PASSES_NAN,
        'maxPool, 3x3 same, stride 2, odd size': PASSES_NAN,
        'maxPool, 3x2 valid, stride 1': PASSES_NAN,
        'resizeNearestNeighbor, 2 times': RESIZES_BY_INDEX,
        'resizeNearestNeighbor, 2 and 3 times': RESIZES_BY_INDEX,
        'resizeNearestNeighbor, smaller, corners aligned': RESIZES_BY_INDEX,
      },
      onProcessor: undefined,
      run: runEagerly,
    },
    {
      name: 'onnxruntime/cpu',
      unavailable: undefined,
      missing: {},
      tolerances: {},
      nonFinite: {
        max: 'ReduceMax passes over NaN',
        'max along two axes': 'ReduceMax passes over NaN',
      },
      onProcessor: undefined,
      run: ortRun('cpu'),
    },
    {
      name: 'onnxruntime/webgpu',
      unavailable: driver.reason,
      missing: {},
      tolerances: { sin: WGSL_SINE, cos: WGSL_SINE },
      nonFinite: 'WGSL lets a driver assume that NaN and infinities do not occur (Differences from IEEE-754)',
      onProcessor: {
        sign: 'no kernel Sign',
        argMax: NO_ARG_MAX,
        'argMax of the first axis': NO_ARG_MAX,
        'argMax of equal numbers': NO_ARG_MAX,
        'logSoftmax in one kernel': 'no kernel LogSoftmax',
      },
      run: ortRun('webgpu'),
    },
  ];
}

/** The captured function as it is, on tfjs's plain backend. */
async function runEagerly(
  { inputs, build }: Computation,
  inputSets: readonly NumbersByName[],
): Promise<NumbersByName[]> {
  await tf.setBackend('cpu');
  return inputSets.map((numbers) => {
    tf.engine().startScope();
    try {
      const tensors = inputs.map(({ name, shape, dtype }) => {
        const values = dtype === 'float32' ? Float32Array.from(numbers[name]!) : Int32Array.from(numbers[name]!);
        return [name, tf.tensor(values, [...shape], dtype)] as const;
      });
      const outputs = build(new Map(tensors));
      return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, tensor.dataSync()]));
    } finally {
      tf.engine().endScope();
    }
  });
}

const ortRun =
  (device: Device): ConformanceEngine['run'] =>
  async ({ program }, inputSets) => {
    const optimised = optimise(program);
    const session = await createOrtSession(optimised, { device, threads: 1 });
    const results: NumbersByName[] = [];
    try {
      for (const numbers of inputSets) {
        const inputs = buffersOf(optimised, optimised.inputs, numbers);
        const outputs = buffersOf(optimised, optimised.outputs);
        await session.bind(inputs, outputs).run();
        results.push(outputs);
      }
    } finally {
      await session.close();
    }
    return results;
  };

function buffersOf({ values }: Program, named: readonly NamedValue[], numbers: NumbersByName = {}): Buffers {
  const buffers = named.map(({ name, id }) => {
    const { shape, dtype } = values[id]!;
    const buffer = dtype === 'float32' ? new Float32Array(elementCount(shape)) : new Int32Array(elementCount(shape));
    buffer.set(numbers[name] ?? []);
    return [name, buffer] as const;
  });
  return Object.fromEntries(buffers);
}

/** Whether a device has a kernel for every node of a program, so that none of them runs on the processor. */
export async function runsWhollyOn(device: Device, program: Program): Promise<boolean> {
  try {
    const session = await createOrtSession(optimise(program), { device, threads: 1, isFallbackRefused: true });
    await session.close();
    return true;
  } catch (caught) {
    const { message } = TrainingError.from(caught);
    if (!message.includes('fallback to CPU EP has been explicitly disabled')) throw caught;
    return false;
  }
}
