/**
 * The engine as the training loop sees it: slots. A slot is one set of input buffers and one flat result; with two of
 * them the next micro-batch is prepared while the current one is computed. Which engine computes, and where, ends here.
 */
import { createHash } from 'node:crypto';
import {
  createGradientSum,
  gradientSumLength,
  layoutParameters,
  type Adversary,
  type BatchTensors,
  type GradientSum,
  type InputGradient,
  type ParameterLayout,
  type SumLayout,
  type Task,
} from '@facet/task';
import { captureProgram, writeOnnx, type Program } from '@facet/compiler';
import { hostEngine, type EngineHost } from './engine-host.js';
import type { BindingPlan, BufferSlice } from './engine-protocol.js';
import {
  captureEvaluationProgram,
  captureTrainingProgram,
  compileProgram,
  describeInputGradient,
  metricOutput,
  planEvaluation,
} from './micro-batch-program.js';
import { requireAttacker, type EngineId } from './engine-id.js';
import { openThreadLink } from './onnxruntime/thread-link.js';
import { findBindingFolder } from './tfjs/binding-folder.js';
import { openProcessLink } from './tfjs/process-link.js';

export interface TrainingSlot<T extends BatchTensors = BatchTensors> {
  readonly tensors: T;
  /** Present when the task attacks its samples: the gradient of the input that it attacks. */
  readonly inputGradient: InputGradient | undefined;
  /** What the last run computed, summed over the samples of the micro-batch. */
  readonly sum: GradientSum;
  /** What the host adds to the accounting of the next run. */
  readonly accounting: { count: number; checksum: number };
  run(): Promise<void>;
}

export interface EvaluationSlot<T extends BatchTensors = BatchTensors> {
  readonly tensors: T;
  /** By the names of the evaluation program: `logits` [microBatch, classes] or `losses`, and `metric:NAME` [microBatch]. */
  readonly outputs: Readonly<Record<string, Float32Array>>;
  run(): Promise<void>;
}

export interface Compute<T extends BatchTensors = BatchTensors> {
  readonly layout: ParameterLayout;
  /** [parameters]; the flat weights that every run uses. Call `weightsChanged` after writing to them. */
  readonly weights: Float32Array;
  weightsChanged(): void;
  /** SHA-256 of the programs that training runs: workers with different programs compute different bits. */
  readonly programSha256: string;
  readonly trainingSlots: readonly [TrainingSlot<T>, TrainingSlot<T>];
  readonly evaluationSlots: readonly [EvaluationSlot<T>, EvaluationSlot<T>];
  close(): Promise<void>;
}

export interface ComputeOptions<T extends BatchTensors = BatchTensors> {
  readonly task: Task<T>;
  readonly engine: EngineId;
  readonly threads: number;
  /** The folder of TensorFlow's binding, for the tensorflow engines; the one found on this machine when absent. */
  readonly binding?: string;
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
 * @throws TrainingError ENGINE_UNAVAILABLE when the engine does not work here, or shall attack and cannot;
 *   CAPTURE_UNSUPPORTED or TASK_INVALID when the task is no function that can be captured.
 */
export async function createCompute<T extends BatchTensors>(options: ComputeOptions<T>): Promise<Compute<T>> {
  const { task, engine } = options;
  const { adversary } = task;
  if (adversary !== undefined) requireAttacker(engine);
  const layout = layoutParameters(task.parameters);
  const memory = allocateBuffers(task, layout.length);
  // What an eager engine runs is not this program, but it is the same function: the hash says that two workers agree on it.
  const trainingProgram = await captureTrainingProgram(task);
  const attackPrograms =
    adversary === undefined ? [] : [await compileProgram(await captureProgram(describeInputGradient(task, adversary)))];
  const bindings = [
    ...SLOTS.map((slot) => trainingBinding(slot, task, layout, memory)),
    ...SLOTS.map((slot) => evaluationBinding(slot, task, layout, memory)),
    ...(adversary === undefined ? [] : SLOTS.map((slot) => attackBinding(slot, adversary, layout, memory))),
  ];
  const host = await startHost({ ...options, trainingProgram, attackPrograms, memory, bindings });

  // The engine is given the weights only when they changed since the run before.
  let areWeightsFresh = false;
  const run = async (binding: number): Promise<void> => {
    const read = Object.values(bindings[binding]!.inputs).map(({ buffer }) => buffer);
    const copyIn = [...new Set(read)].filter((buffer) => buffer !== 'weights' || !areWeightsFresh);
    areWeightsFresh = true;
    await host.run({ binding, copyIn });
  };

  const trainingSlot = (slot: number): TrainingSlot<T> => {
    const sum = sumOf(slot, task, memory);
    const accounting = { count: 0, checksum: 0 };
    return {
      tensors: tensorsOf(slot, task, memory),
      inputGradient:
        adversary === undefined
          ? undefined
          : { values: memory[`gradient${slot}`]!.values, run: () => run(ATTACK * SLOTS.length + slot) },
      sum,
      accounting,
      async run() {
        await run(TRAINING * SLOTS.length + slot);
        sum.account(accounting);
      },
    };
  };
  const evaluated = Object.keys(planEvaluation(task).outputs);
  const evaluationSlot = (slot: number): EvaluationSlot<T> => ({
    tensors: tensorsOf(slot, task, memory),
    outputs: Object.fromEntries(evaluated.map((name) => [name, memory[outputBuffer(name, slot)]!.values])),
    run: () => run(EVALUATION * SLOTS.length + slot),
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
  const { task, engine, threads, memory, bindings } = plan;
  const { name, device } = engine;
  if (name === 'onnxruntime') {
    const programs = [plan.trainingProgram, await captureEvaluationProgram(task), ...plan.attackPrograms];
    const buffers = mapValues(memory, ({ shared }) => shared);
    return hostEngine(openThreadLink({ session: { device, threads }, programs, buffers, bindings }));
  }
  const session = {
    task: task.reference,
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

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

function allocateBuffers(task: Task, parameters: number): Memory {
  const memory: Record<string, SharedBuffer> = {};
  const allocate = (name: string, length: number): void => {
    const shared = new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT);
    memory[name] = { shared, values: new Float32Array(shared) };
  };
  allocate('weights', parameters);
  const { adversary, inputs, microBatch } = task;
  for (const slot of SLOTS) {
    for (const { name, shape } of inputs) allocate(inputBuffer(name, slot), sizeOf(shape));
    allocate(inputBuffer('sampleWeights', slot), microBatch);
    allocate(`result${slot}`, gradientSumLength(sumLayoutOf(task)));
    for (const [name, length] of Object.entries(planEvaluation(task).outputs)) {
      allocate(outputBuffer(name, slot), length);
    }
    if (adversary !== undefined) {
      allocate(`gradient${slot}`, sizeOf(inputs.find(({ name }) => name === adversary.input)!.shape));
    }
  }
  return memory;
}

/** The names of inputs are the task's own, so they get a name that no other buffer has. */
const inputBuffer = (name: string, slot: number): string => `input:${name}${slot}`;

const outputBuffer = (name: string, slot: number): string => `output:${name}${slot}`;

/** Where everything lies in the sums of a task. */
export function sumLayoutOf({ parameters, metrics }: Pick<Task, 'parameters' | 'metrics'>): SumLayout {
  return { parameters: layoutParameters(parameters).length, metrics };
}

function tensorsOf<T extends BatchTensors>(slot: number, task: Task<T>, memory: Memory): T {
  const names = ['sampleWeights', ...task.inputs.map(({ name }) => name)];
  return Object.fromEntries(names.map((name) => [name, memory[inputBuffer(name, slot)]!.values])) as unknown as T;
}

function sumOf(slot: number, task: Task, memory: Memory): GradientSum {
  return createGradientSum(memory[`result${slot}`]!.values, sumLayoutOf(task));
}

function whole(buffer: string, memory: Memory): BufferSlice {
  return { buffer, offset: 0, length: memory[buffer]!.values.length };
}

function inputSlices(names: readonly string[], slot: number, memory: Memory): Record<string, BufferSlice> {
  return Object.fromEntries(names.map((name) => [name, whole(inputBuffer(name, slot), memory)]));
}

function parts(layout: ParameterLayout, buffer: string, prefix: string): Record<string, BufferSlice> {
  return Object.fromEntries(
    layout.slots.map(({ name, offset, length }) => [`${prefix}${name}`, { buffer, offset, length }]),
  );
}

function trainingBinding(slot: number, task: Task, layout: ParameterLayout, memory: Memory): BindingPlan {
  const buffer = `result${slot}`;
  const { placeOf } = sumOf(slot, task, memory);
  const element = (offset: number): BufferSlice => ({ buffer, offset, length: 1 });
  const names = [...task.inputs.map(({ name }) => name), 'sampleWeights'];
  return {
    program: TRAINING,
    inputs: { ...parts(layout, 'weights', ''), ...inputSlices(names, slot, memory) },
    outputs: {
      ...parts(layout, buffer, 'grad:'),
      loss: element(placeOf('loss')),
      ...Object.fromEntries(task.metrics.map((metric) => [metricOutput(metric), element(placeOf({ metric }))])),
    },
  };
}

function evaluationBinding(slot: number, task: Task, layout: ParameterLayout, memory: Memory): BindingPlan {
  const { inputs, outputs } = planEvaluation(task);
  return {
    program: EVALUATION,
    inputs: { ...parts(layout, 'weights', ''), ...inputSlices(inputs, slot, memory) },
    outputs: Object.fromEntries(Object.keys(outputs).map((name) => [name, whole(outputBuffer(name, slot), memory)])),
  };
}

function attackBinding(slot: number, adversary: Adversary, layout: ParameterLayout, memory: Memory): BindingPlan {
  return {
    program: ATTACK,
    inputs: { ...parts(layout, 'weights', ''), ...inputSlices(adversary.inputs, slot, memory) },
    outputs: { gradient: whole(`gradient${slot}`, memory) },
  };
}
