/**
 * Runs a program on onnxruntime-node. Inputs and outputs are bound once to buffers that the caller owns: a run copies
 * nothing and allocates nothing that grows. onnxruntime-node computes on the thread that calls it: see engine-thread.ts.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { threadsOrCores, TrainingError } from '@facet/shared';
import {
  elementCount,
  type DType,
  type NamedValue,
  type Program,
  inputName,
  outputName,
  writeOnnx,
} from '@facet/compiler';
import type { Device } from '../engine-id.js';

export interface SessionOptions {
  readonly device: Device;
  /** Threads of one run, which change the speed and not the bits; 0 takes all cores. */
  readonly threads: number;
  /** Refuses a program with nodes that the device has no kernel for; otherwise they run on the processor. */
  readonly isFallbackRefused?: boolean;
}

export type Buffers = Readonly<Record<string, Float32Array | Int32Array>>;

/** One set of buffers that a program reads from and writes to. */
export interface Binding {
  /** Runs the program once on the bound buffers. */
  run(): Promise<void>;
}

export interface ProgramSession {
  /** Binds every input and output to a caller-owned buffer of exactly its size. */
  bind(inputs: Buffers, outputs: Buffers): Binding;
  close(): Promise<void>;
}

const TENSOR_TYPE: Record<DType, 'float32' | 'int32' | 'bool'> = { float32: 'float32', int32: 'int32', bool: 'bool' };

/**
 * Creates a session for a program.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE when onnxruntime cannot use the device.
 */
export async function createOrtSession(program: Program, options: SessionOptions): Promise<ProgramSession> {
  const session = await createSession(writeOnnx(program), options);
  return {
    bind(inputs, outputs) {
      const feeds = bindTensors(program, program.inputs, inputs, inputName);
      const fetches = bindTensors(program, program.outputs, outputs, outputName);
      return {
        async run() {
          await session.run(feeds, fetches);
        },
      };
    },
    close: () => session.release(),
  };
}

const DEVICE_NEEDS: Record<Device, string> = {
  cpu: 'the package onnxruntime-node must hold a build for this system',
  webgpu: 'it needs a GPU and its Vulkan (Linux), Direct3D (Windows) or Metal (macOS) driver',
  cuda: 'it needs an NVIDIA GPU, CUDA 12 and the CUDA libraries that the install script of onnxruntime-node fetches',
};

/** What onnxruntime means; before it stand source files and signatures of its own. */
function lastSentence(caught: unknown): string {
  const message = caught instanceof Error ? caught.message : String(caught);
  return message
    .trim()
    .split(/ was false\. |: /)
    .at(-1)!
    .trim()
    .replace(/\.$/, '');
}

async function createSession(
  model: Uint8Array,
  { device, threads, isFallbackRefused = false }: SessionOptions,
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(model, {
      executionProviders: [device],
      intraOpNumThreads: threadsOrCores(threads),
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      // Idle threads must sleep: on a full machine a spinning one takes the core that another worker computes on.
      extra: {
        session: { intra_op: { allow_spinning: '0' }, disable_cpu_ep_fallback: isFallbackRefused ? '1' : '0' },
      },
    });
  } catch (caught) {
    throw new TrainingError(
      'ENGINE_UNAVAILABLE',
      `onnxruntime does not run on device ${device} here: ${lastSentence(caught)}; ${DEVICE_NEEDS[device]}. \`facet doctor\` says what works`,
      { cause: caught },
    );
  }
}

function bindTensors(
  program: Program,
  named: readonly NamedValue[],
  buffers: Buffers,
  rename: (name: string) => string,
): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const { name, id } of named) {
    const { shape, dtype } = program.values[id]!;
    const buffer = buffers[name];
    const expected = elementCount(shape);
    if (buffer?.length !== expected) {
      throw new TrainingError(
        'INTERNAL',
        `program ${program.name}: ${name} needs a buffer of ${expected} elements [${shape.join(', ')}], got ${buffer === undefined ? 'none' : String(buffer.length)}`,
      );
    }
    tensors[rename(name)] = new Tensor(TENSOR_TYPE[dtype] as 'float32', buffer as Float32Array, shape);
  }
  return tensors;
}
