/**
 * The engine as the training loop sees it: slots. A slot is one set of input buffers and one flat result; with two of
 * them the next micro-batch is prepared while the current one is computed.
 */
import { createHash } from 'node:crypto';
import { layoutParameters, type ParameterLayout } from '../model/parameters.js';
import { createModel } from '../model/multi-view-transformer.js';
import { allocateMicroBatch, type MicroBatchTensors } from '../data/micro-batch.js';
import { captureEvaluationProgram, captureTrainingProgram, type MicroBatchShape } from './micro-batch-program.js';
import { createOrtSession, type Device, type ProgramSession } from './ort-session.js';
import { writeOnnx } from './onnx-writer.js';
import type { Program } from './program.js';

/** Elements behind the gradient in the flat result; they are reduced with it. */
export const TAIL = { loss: 0, correct: 1, count: 2, checksum: 3, length: 4 } as const;

export interface TrainingSlot {
  readonly tensors: MicroBatchTensors;
  /** [parameters + TAIL.length]: the summed gradient, then loss, correct answers, and room for the accounting. */
  readonly result: Float32Array;
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
  /** SHA-256 of the training program: workers with different programs compute different bits. */
  readonly programSha256: string;
  readonly trainingSlots: readonly [TrainingSlot, TrainingSlot];
  readonly evaluationSlots: readonly [EvaluationSlot, EvaluationSlot];
  close(): Promise<void>;
}

export interface ComputeOptions {
  readonly shape: MicroBatchShape;
  readonly device: Device;
  readonly threads: number;
  /** Makes the flat weights once the layout is known; the engine reads them in place from then on. */
  readonly allocateWeights: (layout: ParameterLayout) => Float32Array;
}

/** The parameters of a model in the order of the flat buffer. */
export function parameterLayout(shape: MicroBatchShape): ParameterLayout {
  return layoutParameters(createModel(shape).parameters);
}

/** Captures both programs of a run and binds them to buffers. */
export async function createCompute(options: ComputeOptions): Promise<Compute> {
  const { shape, device, threads } = options;
  const layout = parameterLayout(shape);
  const weights = options.allocateWeights(layout);
  const trainingProgram = await captureTrainingProgram(shape);
  const training = await createOrtSession(trainingProgram, { device, threads });
  const evaluation = await createOrtSession(await captureEvaluationProgram(shape), { device, threads });
  const parameters = namedParts(layout, weights, '');
  return {
    layout,
    programSha256: programSha256(trainingProgram),
    trainingSlots: [
      trainingSlot(training, shape, layout, parameters),
      trainingSlot(training, shape, layout, parameters),
    ],
    evaluationSlots: [evaluationSlot(evaluation, shape, parameters), evaluationSlot(evaluation, shape, parameters)],
    async close() {
      await training.close();
      await evaluation.close();
    },
  };
}

/** SHA-256 of a program's ONNX bytes. */
export function programSha256(program: Program): string {
  return createHash('sha256').update(writeOnnx(program)).digest('hex');
}

function namedParts(layout: ParameterLayout, flat: Float32Array, prefix: string): Record<string, Float32Array> {
  return Object.fromEntries(
    layout.slots.map(({ name, offset, length }) => [`${prefix}${name}`, flat.subarray(offset, offset + length)]),
  );
}

function trainingSlot(
  session: ProgramSession,
  { microBatch, image, classes }: MicroBatchShape,
  layout: ParameterLayout,
  parameters: Record<string, Float32Array>,
): TrainingSlot {
  const tensors = allocateMicroBatch(microBatch, image, classes);
  const result = new Float32Array(layout.length + TAIL.length);
  const tail = (at: number): Float32Array => result.subarray(layout.length + at, layout.length + at + 1);
  const binding = session.bind(
    { ...parameters, ...tensors },
    { ...namedParts(layout, result, 'grad:'), loss: tail(TAIL.loss), correct: tail(TAIL.correct) },
  );
  return { tensors, result, run: () => binding.run() };
}

function evaluationSlot(
  session: ProgramSession,
  { microBatch, image, classes }: MicroBatchShape,
  parameters: Record<string, Float32Array>,
): EvaluationSlot {
  const tensors = allocateMicroBatch(microBatch, image, classes);
  const logits = new Float32Array(microBatch * classes);
  const binding = session.bind({ ...parameters, images: tensors.images }, { logits });
  return { tensors, logits, run: () => binding.run() };
}
