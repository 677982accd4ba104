/**
 * The plain vision transformer on an engine thread, with two slots as a worker has: one is filled while the other is
 * computed.
 */
import { createGradientSum, gradientSumLength, layoutParameters, type GradientSum } from '@facet/task';
import { hostEngine, openThreadLink, type BufferSlice } from '@facet/engine';
import { captureVit, inputValues, parameterShapes } from './plain-vit.js';
import type { VitAsk } from './vit-world.js';

export const SLOTS = [0, 1] as const;
const INPUTS = ['patches', 'targets'] as const;

export interface VitSlot {
  readonly patches: Float32Array;
  readonly targets: Float32Array;
  /** The gradient, and of the accounting the loss alone. */
  readonly sum: GradientSum;
}

export interface VitModel {
  readonly layout: ReturnType<typeof layoutParameters>;
  readonly weights: Float32Array;
  readonly slots: readonly VitSlot[];
  /** Copies micro-batch `index` of this rank into a slot, as a worker does while the one before is computed. */
  fill(slot: number, index: number): void;
  run(slot: number, areWeightsNew: boolean): Promise<void>;
  close(): Promise<void>;
}

/** The flat parameters, the engine thread bound to two slots, and this rank's images. */
export async function openVitModel({ config, imagesPerRank, microBatch }: VitAsk, rank: number): Promise<VitModel> {
  const layout = layoutParameters(
    Object.entries(parameterShapes(config)).map(([name, shape]) => ({
      name,
      shape: [...shape],
      decays: true,
      initialiser: { kind: 'constant', value: 0 },
    })),
  );
  const sumLayout = { parameters: layout.length, metrics: [] };
  const values = inputValues(config, imagesPerRank);
  const buffers: Record<string, SharedArrayBuffer> = {};
  const allocate = (name: string, length: number): Float32Array => {
    const buffer = new SharedArrayBuffer(4 * length);
    buffers[name] = buffer;
    return new Float32Array(buffer);
  };
  const weights = allocate('weights', layout.length);
  for (const { name, offset } of layout.slots) weights.set(values[name]!, offset);
  const perImage = (name: (typeof INPUTS)[number]): number => values[name]!.length / imagesPerRank;
  const slots = SLOTS.map((slot) => ({
    patches: allocate(`patches${slot}`, microBatch * perImage('patches')),
    targets: allocate(`targets${slot}`, microBatch * perImage('targets')),
    sum: createGradientSum(allocate(`result${slot}`, gradientSumLength(sumLayout)), sumLayout),
  }));
  const parts = (buffer: string, prefix: string): Record<string, BufferSlice> =>
    Object.fromEntries(
      layout.slots.map(({ name, offset, length }) => [`${prefix}${name}`, { buffer, offset, length }]),
    );
  const whole = (buffer: string, { length }: Float32Array): BufferSlice => ({ buffer, offset: 0, length });
  const engine = await hostEngine(
    openThreadLink({
      session: { device: 'cpu', threads: 1 },
      programs: [await captureVit(config, microBatch)],
      buffers,
      bindings: slots.map(({ patches, targets, sum }, slot) => ({
        program: 0,
        inputs: {
          ...parts('weights', ''),
          patches: whole(`patches${slot}`, patches),
          targets: whole(`targets${slot}`, targets),
        },
        outputs: {
          ...parts(`result${slot}`, 'grad:'),
          loss: { buffer: `result${slot}`, offset: sum.placeOf('loss'), length: 1 },
        },
      })),
    }),
  );
  return {
    layout,
    weights,
    slots,
    fill(slot, index) {
      for (const name of INPUTS) {
        const place = slots[slot]![name];
        // Ranks see the same images in another order: what they are does not matter here.
        const start = ((index + rank) * place.length) % values[name]!.length;
        place.set(values[name]!.subarray(start, start + place.length));
      }
    },
    run: (slot, areWeightsNew) =>
      engine.run({
        binding: slot,
        copyIn: [`patches${slot}`, `targets${slot}`, ...(areWeightsNew ? ['weights'] : [])],
      }),
    close: () => engine.close(),
  };
}
