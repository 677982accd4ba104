/**
 * The engine as an attack sees it: any number of images in, logits or the gradient of a loss by the pixels out. It cuts what
 * it is given into micro-batches of the programs' fixed size and pads the last one; rows do not see each other, so neither
 * the cut nor the padding changes a result.
 */
import { captureAttackProgram } from '../programs/attack-program.js';
import {
  ATTACK_LOSSES,
  type AttackLoss,
  multiViewTask,
  type MultiViewShape,
  type GradientReading,
  type Oracle,
} from '@facet/multiview';
import {
  type BindingPlan,
  type BufferSlice,
  hostEngine,
  type EngineHost,
  requireAttacker,
  type EngineId,
  captureEvaluationProgram,
  openThreadLink,
} from '@facet/engine';
import { layoutParameters, type ParameterLayout } from '@facet/task';

export interface AttackComputeOptions {
  readonly shape: MultiViewShape;
  readonly engine: EngineId;
  readonly threads: number;
}

/** An oracle that computes, and what it computes with. */
export interface AttackCompute extends Oracle {
  readonly layout: ParameterLayout;
  /** [parameters]; write them before the first question, they are copied once. */
  readonly weights: Float32Array;
  close(): Promise<void>;
}

/** Programs and bindings in the same order: the logits alone, then the gradient of each loss. */
const LOGITS = 0;
const bindingOf = (loss: AttackLoss): number => 1 + ATTACK_LOSSES.indexOf(loss);

/**
 * Captures the programs, starts the engine thread and binds it to shared buffers.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE when the engine does not work here.
 */
export async function createAttackCompute({ shape, engine, threads }: AttackComputeOptions): Promise<AttackCompute> {
  requireAttacker(engine);
  const layout = layoutParameters(multiViewTask(shape).parameters);
  const programs = [await captureEvaluationProgram(multiViewTask(shape))];
  for (const loss of ATTACK_LOSSES) programs.push(await captureAttackProgram(shape, loss));
  const buffers = allocateBuffers(shape, layout.length);
  const link = openThreadLink({
    session: { device: engine.device, threads },
    programs,
    buffers: Object.fromEntries(Object.entries(buffers).map(([name, { shared }]) => [name, shared])),
    bindings: programs.map((_, program) => bindingPlan(program, layout, buffers)),
  });
  const host = await hostEngine(link);
  return { ...oracleOn(host, shape, buffers), layout, weights: buffers.weights.values, close: () => host.close() };
}

interface SharedBuffer {
  readonly shared: SharedArrayBuffer;
  readonly values: Float32Array;
}

type BufferName = 'weights' | 'images' | 'targets' | 'logits' | 'losses' | 'gradient';
type Buffers = Readonly<Record<BufferName, SharedBuffer>>;

function allocateBuffers({ image, classes, microBatch }: MultiViewShape, parameters: number): Buffers {
  const allocate = (length: number): SharedBuffer => {
    const shared = new SharedArrayBuffer(length * Float32Array.BYTES_PER_ELEMENT);
    return { shared, values: new Float32Array(shared) };
  };
  const pixels = image.channels * image.height * image.width;
  return {
    weights: allocate(parameters),
    images: allocate(microBatch * pixels),
    targets: allocate(microBatch * classes),
    logits: allocate(microBatch * classes),
    losses: allocate(microBatch),
    gradient: allocate(microBatch * pixels),
  };
}

function bindingPlan(program: number, layout: ParameterLayout, buffers: Buffers): BindingPlan {
  const whole = (buffer: BufferName): BufferSlice => ({ buffer, offset: 0, length: buffers[buffer].values.length });
  const weights = Object.fromEntries(
    layout.slots.map(({ name, offset, length }) => [name, { buffer: 'weights', offset, length }]),
  );
  const inputs = { ...weights, images: whole('images') };
  if (program === LOGITS) return { program, inputs, outputs: { logits: whole('logits') } };
  return {
    program,
    inputs: { ...inputs, targets: whole('targets') },
    outputs: { logits: whole('logits'), losses: whole('losses'), gradient: whole('gradient') },
  };
}

function oracleOn(host: EngineHost, { image, classes, microBatch }: MultiViewShape, buffers: Buffers): Oracle {
  const pixels = image.channels * image.height * image.width;
  let areWeightsCopied = false;
  /** Runs the binding on each micro-batch and hands over what it left in the buffers. */
  const sweep = async (
    binding: number,
    images: Float32Array,
    labels: Uint8Array | undefined,
    collect: (start: number, rows: number) => void,
  ): Promise<void> => {
    const count = images.length / pixels;
    for (let start = 0; start < count; start += microBatch) {
      const rows = Math.min(microBatch, count - start);
      buffers.images.values.fill(0).set(images.subarray(start * pixels, (start + rows) * pixels));
      const targets = buffers.targets.values.fill(0);
      labels?.subarray(start, start + rows).forEach((label, row) => (targets[row * classes + label] = 1));
      await host.run({
        binding,
        copyIn: ['images', ...(labels === undefined ? [] : ['targets']), ...(areWeightsCopied ? [] : ['weights'])],
      });
      areWeightsCopied = true;
      collect(start, rows);
    }
  };
  return {
    image,
    classes,
    async logits(images) {
      const logits = new Float32Array((images.length / pixels) * classes);
      await sweep(LOGITS, images, undefined, (start, rows) => {
        logits.set(buffers.logits.values.subarray(0, rows * classes), start * classes);
      });
      return logits;
    },
    async gradient(images, labels, loss): Promise<GradientReading> {
      const logits = new Float32Array(labels.length * classes);
      const losses = new Float32Array(labels.length);
      const gradient = new Float32Array(images.length);
      await sweep(bindingOf(loss), images, labels, (start, rows) => {
        logits.set(buffers.logits.values.subarray(0, rows * classes), start * classes);
        losses.set(buffers.losses.values.subarray(0, rows), start);
        gradient.set(buffers.gradient.values.subarray(0, rows * pixels), start * pixels);
      });
      return { logits, losses, gradient };
    },
  };
}
