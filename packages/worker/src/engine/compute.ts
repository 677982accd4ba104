/**
 * The engine as the training loop sees it: slots. A slot is one set of input buffers and one flat result; with two of
 * them the next micro-batch is prepared while the current one is computed. All buffers are shared with the engine thread.
 */
import { createHash } from 'node:crypto';
import { TrainingError } from '@facet/shared';
import { POSITION_PAIRS } from '../model/auxiliary-losses.js';
import { layoutParameters, type ParameterLayout } from '../model/parameters.js';
import { createModel } from '../model/multi-view-transformer.js';
import type { MicroBatchTensors } from '../data/micro-batch.js';
import { startEngine } from './onnxruntime/engine-host.js';
import type { BindingPlan, BufferSlice } from './engine-protocol.js';
import { captureEvaluationProgram, captureTrainingProgram, type MicroBatchShape } from './micro-batch-program.js';
import { formatEngine, type EngineId } from './engine-id.js';
import { writeOnnx } from './onnx/onnx-writer.js';
import type { Program } from './program/program.js';

/** Elements behind the gradient in the flat result; they are reduced with it. */
export const TAIL = { loss: 0, correct: 1, count: 2, checksum: 3, length: 4 } as const;

export interface TrainingSlot {
  readonly tensors: MicroBatchTensors;
  /** [parameters + TAIL.length]: the summed gradient, then loss, correct answers, sample count and checksum. */
  readonly result: Float32Array;
  /** Room for what the host adds to the result of the next run. */
  readonly accounting: { count: number; checksum: number };
  run(): Promise<void>;
}

export interface EvaluationSlot {
  readonly tensors: MicroBatchTensors;
  /** [microBatch, classes] */
  readonly logits: Float32Array;
  run(): Promise<void>;
}

export interface Compute {
  readonly layout: ParameterLayout;
  /** [parameters]; the flat weights that every run uses. Call `weightsChanged` after writing to them. */
  readonly weights: Float32Array;
  weightsChanged(): void;
  /** SHA-256 of the training program: workers with different programs compute different bits. */
  readonly programSha256: string;
  readonly trainingSlots: readonly [TrainingSlot, TrainingSlot];
  readonly evaluationSlots: readonly [EvaluationSlot, EvaluationSlot];
  close(): Promise<void>;
}

export interface ComputeOptions {
  readonly shape: MicroBatchShape;
  readonly engine: EngineId;
  readonly threads: number;
}

/** SHA-256 of a program's ONNX bytes. */
export function programSha256(program: Program): string {
  return createHash('sha256').update(writeOnnx(program)).digest('hex');
}

const SLOTS = [0, 1] as const;
const TRAINING = 0;
const EVALUATION = 1;

/** Captures both programs of a run, starts the engine thread and binds it to shared buffers. */
export async function createCompute({ shape, engine, threads }: ComputeOptions): Promise<Compute> {
  if (engine.name !== 'onnxruntime') {
    throw new TrainingError('ENGINE_UNAVAILABLE', `${formatEngine(engine)} is not built yet; use onnxruntime`);
  }
  const layout = layoutParameters(createModel(shape).parameters);
  const programs = [await captureTrainingProgram(shape), await captureEvaluationProgram(shape)];
  const memory = allocateBuffers(shape, layout.length);
  const host = await startEngine({
    session: { device: engine.device, threads },
    programs,
    buffers: Object.fromEntries(Object.entries(memory).map(([name, { shared }]) => [name, shared])),
    bindings: [
      ...SLOTS.map((slot) => trainingBinding(slot, layout, memory)),
      ...SLOTS.map((slot) => evaluationBinding(slot, layout, memory)),
    ],
  });

  // The engine thread copies the weights only when they changed since the run before.
  let areWeightsFresh = false;
  const run = async (binding: number, inputs: readonly string[]): Promise<void> => {
    const copyIn = areWeightsFresh ? inputs : [...inputs, 'weights'];
    areWeightsFresh = true;
    await host.run({ binding, copyIn });
  };

  const trainingSlot = (slot: number): TrainingSlot => {
    const result = memory[`result${slot}`]!.values;
    const accounting = { count: 0, checksum: 0 };
    return {
      tensors: tensorsOf(slot, memory),
      result,
      accounting,
      async run() {
        await run(TRAINING * 2 + slot, Object.values(inputBuffers(slot, memory)));
        result[layout.length + TAIL.count] = accounting.count;
        result[layout.length + TAIL.checksum] = accounting.checksum;
      },
    };
  };
  const evaluationSlot = (slot: number): EvaluationSlot => ({
    tensors: tensorsOf(slot, memory),
    logits: memory[`logits${slot}`]!.values,
    run: () => run(EVALUATION * 2 + slot, [`images${slot}`]),
  });

  return {
    layout,
    weights: memory.weights!.values,
    weightsChanged() {
      areWeightsFresh = false;
    },
    programSha256: programSha256(programs[TRAINING]!),
    trainingSlots: [trainingSlot(0), trainingSlot(1)],
    evaluationSlots: [evaluationSlot(0), evaluationSlot(1)],
    close: () => host.close(),
  };
}

interface SharedBuffer {
  readonly shared: SharedArrayBuffer;
  readonly values: Float32Array;
}

type Memory = Readonly<Record<string, SharedBuffer>>;

function allocateBuffers(shape: MicroBatchShape, parameters: number): Memory {
  const { image, classes, microBatch } = shape;
  const { hasAuxiliary, tokens } = createModel(shape);
  const memory: Record<string, SharedBuffer> = {};
  const allocate = (name: string, length: number): void => {
    const shared = new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT);
    memory[name] = { shared, values: new Float32Array(shared) };
  };
  allocate('weights', parameters);
  for (const slot of SLOTS) {
    allocate(`images${slot}`, microBatch * image.channels * image.height * image.width);
    allocate(`targets${slot}`, microBatch * classes);
    allocate(`sampleWeights${slot}`, microBatch);
    if (hasAuxiliary) {
      allocate(`tokenPairs${slot}`, 2 * POSITION_PAIRS * tokens);
      allocate(`hiddenTokens${slot}`, tokens);
    }
    allocate(`result${slot}`, parameters + TAIL.length);
    allocate(`logits${slot}`, microBatch * classes);
  }
  return memory;
}

function tensorsOf(slot: number, memory: Memory): MicroBatchTensors {
  return {
    images: memory[`images${slot}`]!.values,
    targets: memory[`targets${slot}`]!.values,
    sampleWeights: memory[`sampleWeights${slot}`]!.values,
    draws: memory[`tokenPairs${slot}`] && {
      tokenPairs: memory[`tokenPairs${slot}`]!.values,
      hiddenTokens: memory[`hiddenTokens${slot}`]!.values,
    },
  };
}

/** The buffers that hold the inputs of a training run beside the weights, by the input's name. */
function inputBuffers(slot: number, memory: Memory): Record<string, string> {
  const names = ['images', 'targets', 'sampleWeights', 'tokenPairs', 'hiddenTokens'];
  return Object.fromEntries(names.map((name) => [name, `${name}${slot}`]).filter(([, buffer]) => buffer! in memory));
}

function whole(buffer: string, memory: Memory): BufferSlice {
  return { buffer, offset: 0, length: memory[buffer]!.values.length };
}

function parts(layout: ParameterLayout, buffer: string, prefix: string): Record<string, BufferSlice> {
  return Object.fromEntries(
    layout.slots.map(({ name, offset, length }) => [`${prefix}${name}`, { buffer, offset, length }]),
  );
}

function trainingBinding(slot: number, layout: ParameterLayout, memory: Memory): BindingPlan {
  const buffer = `result${slot}`;
  const tail = (at: number): BufferSlice => ({ buffer, offset: layout.length + at, length: 1 });
  return {
    program: TRAINING,
    inputs: {
      ...parts(layout, 'weights', ''),
      ...Object.fromEntries(
        Object.entries(inputBuffers(slot, memory)).map(([name, buffer]) => [name, whole(buffer, memory)]),
      ),
    },
    outputs: { ...parts(layout, buffer, 'grad:'), loss: tail(TAIL.loss), correct: tail(TAIL.correct) },
  };
}

function evaluationBinding(slot: number, layout: ParameterLayout, memory: Memory): BindingPlan {
  return {
    program: EVALUATION,
    inputs: { ...parts(layout, 'weights', ''), images: whole(`images${slot}`, memory) },
    outputs: { logits: whole(`logits${slot}`, memory) },
  };
}
