/**
 * The engine as the training loop sees it: slots. A slot is one set of input buffers and one flat result; with two of
 * them the next micro-batch is prepared while the current one is computed. Which engine computes, and where, ends here.
 */
import { createHash } from 'node:crypto';
import { POSITION_PAIRS } from '../model/auxiliary-losses.js';
import {
  layoutParameters,
  type ParameterLayout,
  createGradientSum,
  gradientSumLength,
  type GradientSum,
} from '@facet/task';
import { createModel } from '../model/multi-view-transformer.js';
import type { MicroBatchTensors } from '../data/micro-batch.js';
import { writeOnnx, type Program } from '@facet/compiler';
import { captureAttackProgram, requireAttacker } from './attack-program.js';
import { hostEngine, type EngineHost } from './engine-host.js';
import type { BindingPlan, BufferSlice } from './engine-protocol.js';
import { captureEvaluationProgram, captureTrainingProgram, type MicroBatchShape } from './micro-batch-program.js';
import type { EngineId } from './engine-id.js';
import { openThreadLink } from './onnxruntime/thread-link.js';
import { findBindingFolder } from './tfjs/binding-folder.js';
import { openProcessLink } from './tfjs/process-link.js';

/** The gradient of a slot's images: how the loss of each row changes with its own pixels, at the current weights. */
export interface PixelGradient {
  /** [microBatch, channels * height * width] */
  readonly values: Float32Array;
  /** Computes it from the slot's images and targets. */
  run(): Promise<void>;
}

export interface TrainingSlot {
  readonly tensors: MicroBatchTensors;
  /** Present when the run trains on attacked samples. */
  readonly pixelGradient: PixelGradient | undefined;
  /** What the last run computed, summed over the samples of the micro-batch. */
  readonly sum: GradientSum;
  /** What the host adds to the accounting of the next run. */
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
  /** SHA-256 of the programs that training runs: workers with different programs compute different bits. */
  readonly programSha256: string;
  readonly trainingSlots: readonly [TrainingSlot, TrainingSlot];
  readonly evaluationSlots: readonly [EvaluationSlot, EvaluationSlot];
  close(): Promise<void>;
}

export interface ComputeOptions {
  readonly shape: MicroBatchShape;
  readonly engine: EngineId;
  readonly threads: number;
  /** The folder of TensorFlow's binding, for the tensorflow engines; the one found on this machine when absent. */
  readonly binding?: string;
  /** Training slots also give the gradient by their pixels; only onnxruntime can. */
  readonly isAttacked?: boolean;
}

/** SHA-256 of the ONNX bytes of programs, one after the other. */
function programsSha256(programs: readonly Program[]): string {
  const hash = createHash('sha256');
  for (const program of programs) hash.update(writeOnnx(program));
  return hash.digest('hex');
}

const SLOTS = [0, 1] as const;
const TRAINING = 0;
const EVALUATION = 1;
const ATTACK = 2;

/**
 * Captures the programs of a run, starts the engine and binds it to buffers.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE when the engine does not work here, or shall attack and cannot
 */
export async function createCompute(options: ComputeOptions): Promise<Compute> {
  const { shape, engine, isAttacked = false } = options;
  if (isAttacked) requireAttacker(engine);
  const layout = layoutParameters(createModel(shape).parameters);
  const memory = allocateBuffers(shape, layout.length, isAttacked);
  // What an eager engine runs is not this program, but it is the same function: the hash says that two workers agree on it.
  const trainingProgram = await captureTrainingProgram(shape);
  const attackPrograms = isAttacked ? [await captureAttackProgram(shape, 'cross-entropy')] : [];
  const bindings = [
    ...SLOTS.map((slot) => trainingBinding(slot, layout, memory)),
    ...SLOTS.map((slot) => evaluationBinding(slot, layout, memory)),
    ...(isAttacked ? SLOTS.map((slot) => attackBinding(slot, layout, memory)) : []),
  ];
  const host = await startHost({ ...options, trainingProgram, attackPrograms, memory, bindings });

  // The engine is given the weights only when they changed since the run before.
  let areWeightsFresh = false;
  const run = async (binding: number, inputs: readonly string[]): Promise<void> => {
    const copyIn = areWeightsFresh ? inputs : [...inputs, 'weights'];
    areWeightsFresh = true;
    await host.run({ binding, copyIn });
  };

  const trainingSlot = (slot: number): TrainingSlot => {
    const sum = sumOf(slot, layout, memory);
    const accounting = { count: 0, checksum: 0 };
    return {
      tensors: tensorsOf(slot, memory),
      pixelGradient: isAttacked
        ? {
            values: memory[`gradient${slot}`]!.values,
            run: () => run(ATTACK * SLOTS.length + slot, [`images${slot}`, `targets${slot}`]),
          }
        : undefined,
      sum,
      accounting,
      async run() {
        await run(TRAINING * SLOTS.length + slot, Object.values(inputBuffers(slot, memory)));
        sum.account(accounting);
      },
    };
  };
  const evaluationSlot = (slot: number): EvaluationSlot => ({
    tensors: tensorsOf(slot, memory),
    logits: memory[`logits${slot}`]!.values,
    run: () => run(EVALUATION * SLOTS.length + slot, [`images${slot}`]),
  });

  return {
    layout,
    weights: memory.weights!.values,
    weightsChanged() {
      areWeightsFresh = false;
    },
    programSha256: programsSha256([trainingProgram, ...attackPrograms]),
    trainingSlots: [trainingSlot(0), trainingSlot(1)],
    evaluationSlots: [evaluationSlot(0), evaluationSlot(1)],
    close: () => host.close(),
  };
}

interface HostPlan extends ComputeOptions {
  readonly trainingProgram: Program;
  /** One, or none. */
  readonly attackPrograms: readonly Program[];
  readonly memory: Memory;
  readonly bindings: readonly BindingPlan[];
}

async function startHost(plan: HostPlan): Promise<EngineHost> {
  const { shape, engine, threads, memory, bindings } = plan;
  const { name, device } = engine;
  if (name === 'onnxruntime') {
    const programs = [plan.trainingProgram, await captureEvaluationProgram(shape), ...plan.attackPrograms];
    const buffers = mapValues(memory, ({ shared }) => shared);
    return hostEngine(openThreadLink({ session: { device, threads }, programs, buffers, bindings }));
  }
  const session = {
    shape,
    functions: ['train', 'evaluate'] as const,
    bindings,
    bufferLengths: mapValues(memory, ({ values }) => values.length),
    residentBuffer: 'weights',
  };
  const binding = name === 'tfjs-cpu' ? undefined : (plan.binding ?? findBindingFolder(name));
  const buffers = mapValues(memory, ({ values }) => values);
  return hostEngine(openProcessLink({ plan: { engine: { name, device }, binding, session }, buffers, threads }));
}

function mapValues<T>(memory: Memory, map: (buffer: SharedBuffer) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(memory).map(([name, buffer]) => [name, map(buffer)]));
}

interface SharedBuffer {
  readonly shared: SharedArrayBuffer;
  readonly values: Float32Array;
}

type Memory = Readonly<Record<string, SharedBuffer>>;

function allocateBuffers(shape: MicroBatchShape, parameters: number, isAttacked: boolean): Memory {
  const { image, classes, microBatch } = shape;
  const { hasAuxiliary, tokens } = createModel(shape);
  const pixels = image.channels * image.height * image.width;
  const memory: Record<string, SharedBuffer> = {};
  const allocate = (name: string, length: number): void => {
    const shared = new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT);
    memory[name] = { shared, values: new Float32Array(shared) };
  };
  allocate('weights', parameters);
  for (const slot of SLOTS) {
    allocate(`images${slot}`, microBatch * pixels);
    allocate(`targets${slot}`, microBatch * classes);
    allocate(`sampleWeights${slot}`, microBatch);
    if (hasAuxiliary) {
      allocate(`tokenPairs${slot}`, 2 * POSITION_PAIRS * tokens);
      allocate(`hiddenTokens${slot}`, tokens);
    }
    allocate(`result${slot}`, gradientSumLength(parameters));
    allocate(`logits${slot}`, microBatch * classes);
    if (isAttacked) {
      allocate(`gradient${slot}`, microBatch * pixels);
      allocate(`losses${slot}`, microBatch);
    }
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

function sumOf(slot: number, layout: ParameterLayout, memory: Memory): GradientSum {
  return createGradientSum(memory[`result${slot}`]!.values, layout.length);
}

/** The buffers that hold the inputs of a training run beside the weights, by the input's name. */
function inputBuffers(slot: number, memory: Memory): Record<string, string> {
  const names = ['images', 'targets', 'sampleWeights', 'tokenPairs', 'hiddenTokens'] as const;
  const buffers = names.map((name) => [name, `${name}${slot}`] as const);
  return Object.fromEntries(buffers.filter(([, buffer]) => buffer in memory));
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
  const { placeOf } = sumOf(slot, layout, memory);
  const element = (offset: number): BufferSlice => ({ buffer, offset, length: 1 });
  return {
    program: TRAINING,
    inputs: {
      ...parts(layout, 'weights', ''),
      ...Object.fromEntries(
        Object.entries(inputBuffers(slot, memory)).map(([name, buffer]) => [name, whole(buffer, memory)]),
      ),
    },
    outputs: {
      ...parts(layout, buffer, 'grad:'),
      loss: element(placeOf('loss')),
      correct: element(placeOf('correct')),
    },
  };
}

function evaluationBinding(slot: number, layout: ParameterLayout, memory: Memory): BindingPlan {
  return {
    program: EVALUATION,
    inputs: { ...parts(layout, 'weights', ''), images: whole(`images${slot}`, memory) },
    outputs: { logits: whole(`logits${slot}`, memory) },
  };
}

/** Attacks and evaluations never run at the same time, so they share the buffer of the logits, which attacks do not read. */
function attackBinding(slot: number, layout: ParameterLayout, memory: Memory): BindingPlan {
  return {
    program: ATTACK,
    inputs: {
      ...parts(layout, 'weights', ''),
      images: whole(`images${slot}`, memory),
      targets: whole(`targets${slot}`, memory),
    },
    outputs: {
      logits: whole(`logits${slot}`, memory),
      losses: whole(`losses${slot}`, memory),
      gradient: whole(`gradient${slot}`, memory),
    },
  };
}
