/**
 * Runs a TensorFlow.js function once on a backend that computes nothing: its kernels work out shapes and record
 * themselves as nodes of a program. Because tfjs's own autodiff runs on top of kernels, the backward pass is captured by the
 * same means. A value read back during capture (`dataSync`) has no answer, and says so.
 */
import * as tf from '@tensorflow/tfjs';
import { TrainingError } from '@facet/shared';
import { createProgramBuilder, type ProgramBuilder } from '../program/program-builder.js';
import type { CoarseOp, DType, Program, ValueId, ValueType } from '../program/program.js';
import { COARSE_OPS, coarseKernelName, coarseResultTypes, type CoarseKind } from '../ops/coarse-ops.js';
import { CAPTURE_BACKEND } from '../ops/backend-name.js';
import { captureKernels } from './capture-kernels.js';

export interface ProgramInput extends ValueType {
  readonly name: string;
}

export interface CaptureOptions {
  readonly name: string;
  readonly inputs: readonly ProgramInput[];
  /** Builds the outputs from tensors that stand for the inputs, by name. Runs exactly once, synchronously. */
  readonly build: (inputs: ReadonlyMap<string, tf.Tensor>) => Record<string, tf.Tensor>;
}

class CaptureBackend extends tf.KernelBackend {
  private readonly ids = new WeakMap<object, ValueId>();
  private recording: ProgramBuilder | undefined;

  begin(builder: ProgramBuilder): void {
    this.recording = builder;
  }

  end(): void {
    this.recording = undefined;
  }

  get builder(): ProgramBuilder {
    if (this.recording === undefined) {
      throw new TrainingError(
        'CAPTURE_UNSUPPORTED',
        'a tensor of a finished capture was used; capture the whole function at once',
      );
    }
    return this.recording;
  }

  idOf(dataId: object): ValueId {
    const id = this.ids.get(dataId);
    if (id === undefined) {
      throw new TrainingError(
        'CAPTURE_UNSUPPORTED',
        'a tensor made before the capture was used in it; pass it as an input',
      );
    }
    return id;
  }

  bind(id: ValueId): object {
    const dataId = {};
    this.ids.set(dataId, id);
    return dataId;
  }

  /** A value of the program as a kernel's result. */
  tensor(id: ValueId): tf.TensorInfo {
    const { shape, dtype } = this.builder.typeOf(id);
    return { dataId: this.bind(id), shape: [...shape], dtype };
  }

  override write(values: tf.backend_util.BackendValues, shape: number[], dtype: tf.DataType): object {
    const type: ValueType = { shape, dtype: toDType(dtype) };
    const numbers = values as ArrayLike<number>;
    const dense = type.dtype === 'float32' ? Float32Array.from(numbers) : Int32Array.from(numbers);
    const first = dense[0] ?? 0;
    const isFill = dense.every((value) => value === first);
    return this.bind(
      this.builder.constant(type, isFill ? { kind: 'fill', value: first } : { kind: 'dense', values: dense }),
    );
  }

  override readSync(): never {
    throw new TrainingError(
      'CAPTURE_UNSUPPORTED',
      'the captured function read a tensor back (dataSync, arraySync or print); a program is static: compute it with tensor operations or outside the capture',
    );
  }

  override read(): never {
    return this.readSync();
  }

  override numDataIds(): number {
    return 0;
  }
  override disposeData(): boolean {
    return true;
  }
  override incRef(): void {
    // Values of a program live as long as the program: nothing is counted.
  }
  override refCount(): number {
    return 1;
  }
  override floatPrecision(): 16 | 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
  override timerAvailable(): boolean {
    return false;
  }
  override dispose(): void {
    // Holds no resource.
  }
}

function toDType(dtype: tf.DataType): DType {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return dtype;
  throw new TrainingError(
    'CAPTURE_UNSUPPORTED',
    `a tensor of type ${dtype} was captured; programs hold float32, int32 and bool`,
  );
}

let installed: CaptureBackend | undefined;

function installBackend(): CaptureBackend {
  if (installed !== undefined) return installed;
  const backend = new CaptureBackend();
  tf.registerBackend(CAPTURE_BACKEND, () => backend, 0);
  const known = new Set<string>();
  for (const [kernelName, record] of Object.entries(captureKernels)) {
    known.add(kernelName);
    tf.registerKernel({
      kernelName,
      backendName: CAPTURE_BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const result = record({
          builder: backend.builder,
          kernelName,
          input: (name) => backend.idOf(tensorInput(inputs, name, kernelName).dataId),
          hasInput: (name) => ((inputs as Record<string, unknown>)[name] ?? undefined) !== undefined,
          inputList: () =>
            Object.values(inputs as Record<string, tf.TensorInfo>).map((tensor) => backend.idOf(tensor.dataId)),
          attrs: attrs ?? {},
        });
        return Array.isArray(result) ? result.map((id) => backend.tensor(id)) : backend.tensor(result);
      },
    });
  }
  for (const kind of Object.keys(COARSE_OPS) as CoarseKind[]) {
    tf.registerKernel({
      kernelName: coarseKernelName(kind),
      backendName: CAPTURE_BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const { builder } = backend;
        const ids = Object.values(inputs as Record<string, tf.TensorInfo>).map(({ dataId }) => backend.idOf(dataId));
        const op = { ...attrs } as unknown as CoarseOp;
        const types = coarseResultTypes(
          op,
          ids.map((id) => builder.typeOf(id)),
        );
        return builder.nodeWithResults(op, ids, types).map((id) => backend.tensor(id));
      },
    });
  }
  // A missing kernel otherwise fails deep inside tfjs; name the operation and the place to add it.
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (known.has(kernelName)) continue;
    tf.registerKernel({
      kernelName,
      backendName: CAPTURE_BACKEND,
      kernelFunc: () => {
        throw new TrainingError(
          'CAPTURE_UNSUPPORTED',
          `the tfjs operation ${kernelName} cannot be captured yet; add it to packages/compiler/src/capture/capture-kernels.ts, or write the model without it`,
        );
      },
    });
  }
  installed = backend;
  return backend;
}

function tensorInput(inputs: object, name: string, kernelName: string): tf.TensorInfo {
  const tensor = (inputs as Record<string, tf.TensorInfo | undefined>)[name];
  if (tensor === undefined)
    throw new TrainingError('CAPTURE_UNSUPPORTED', `${kernelName} was called without its input ${name}`);
  return tensor;
}

/**
 * Captures a function as a program.
 *
 * @throws TrainingError CAPTURE_UNSUPPORTED when the function uses an operation that has no capture kernel, reads a
 *   tensor back, or returns a tensor that it did not compute from its inputs.
 */
export async function captureProgram(options: CaptureOptions): Promise<Program> {
  const backend = installBackend();
  // tfjs chooses a backend on first use; before that there is none to go back to.
  const previous = (tf.getBackend() as string | undefined) ?? 'cpu';
  const builder = createProgramBuilder(options.name);
  await tf.setBackend(CAPTURE_BACKEND);
  backend.begin(builder);
  tf.engine().startScope();
  try {
    const inputs = new Map<string, tf.Tensor>();
    for (const { name, shape, dtype } of options.inputs) {
      const dataId = backend.bind(builder.input(name, { shape, dtype }));
      inputs.set(name, tf.engine().makeTensorFromDataId(dataId, [...shape], dtype, backend));
    }
    const outputs = options.build(inputs);
    return builder.build(Object.entries(outputs).map(([name, tensor]) => ({ name, id: backend.idOf(tensor.dataId) })));
  } finally {
    tf.engine().endScope();
    backend.end();
    await tf.setBackend(previous);
  }
}
