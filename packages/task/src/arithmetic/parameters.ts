/**
 * Parameters: named tensors laid end to end in one flat buffer. The flat buffer is what the optimizer updates, the
 * collective reduces and a checkpoint stores; the layout says where each tensor lies in it.
 */
import { randomKey, randomStream } from '@facet/shared';

export type Initialiser =
  /** Normal, redrawn beyond two standard deviations. */
  | { readonly kind: 'normal'; readonly stddev: number }
  | { readonly kind: 'constant'; readonly value: number }
  /** One value for each element, the same for every seed. */
  | { readonly kind: 'given'; readonly values: Float32Array };

export interface ParameterSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly initialiser: Initialiser;
  /** Whether weight decay applies; never to norms, biases, embeddings and view weights. */
  readonly decays: boolean;
}

export interface ParameterSlot extends ParameterSpec {
  readonly offset: number;
  readonly length: number;
}

export interface ParameterLayout {
  readonly slots: readonly ParameterSlot[];
  /** Elements of the flat buffer. */
  readonly length: number;
}

/** Lays parameters end to end in the order given. */
export function layoutParameters(specs: readonly ParameterSpec[]): ParameterLayout {
  let length = 0;
  const slots = specs.map((spec) => {
    const slot = { ...spec, offset: length, length: spec.shape.reduce((product, size) => product * size, 1) };
    length += slot.length;
    return slot;
  });
  return { slots, length };
}

/** The weights before the first step: a function of the layout and the seed alone. */
export function initialWeights(layout: ParameterLayout, seed: number): Float32Array {
  const weights = new Float32Array(layout.length);
  layout.slots.forEach((slot, index) => {
    const part = weights.subarray(slot.offset, slot.offset + slot.length);
    const { initialiser } = slot;
    if (initialiser.kind === 'constant') {
      part.fill(initialiser.value);
      return;
    }
    if (initialiser.kind === 'given') {
      part.set(initialiser.values);
      return;
    }
    const stream = randomStream(randomKey('initialisation', seed, index));
    for (let i = 0; i < part.length; i++) {
      let draw = stream.nextNormal();
      while (Math.abs(draw) > 2) draw = stream.nextNormal();
      part[i] = draw * initialiser.stddev;
    }
  });
  return weights;
}
