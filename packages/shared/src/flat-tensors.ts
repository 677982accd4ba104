/**
 * In training the model's parameters lie in one flat buffer; in a checkpoint they are named tensors. The layout maps one to
 * the other. Its parts tile the buffer without hole or overlap, so both directions keep every bit. Only `fromTensors`
 * copies.
 */
import { TrainingError } from './errors.js';
import type { Tensor } from './safetensors.js';

/** Where a parameter lies in the flat buffers; `offset` and `length` count values, not bytes. */
export interface ParameterLayout {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly length: number;
}

/**
 * The parts of a layout in the order of the flat buffer.
 *
 * @throws TrainingError CHECKPOINT_INVALID naming the parameter when the layout does not tile `flatLength` values.
 */
export function orderLayout(layout: readonly ParameterLayout[], flatLength: number): readonly ParameterLayout[] {
  const ordered = layout.toSorted((a, b) => a.offset - b.offset || a.length - b.length);
  const names = new Set<string>();
  let end = 0;
  for (const { name, shape, offset, length } of ordered) {
    const expectedLength = shape.reduce((product, size) => product * size, 1);
    if (names.has(name)) throw invalid(`parameter "${name}" stands in the layout more than once`);
    if (length !== expectedLength) {
      throw invalid(`parameter "${name}" has length ${length}, its shape [${shape.join(', ')}] says ${expectedLength}`);
    }
    if (offset !== end) throw invalid(`parameter "${name}" has offset ${offset}, expected ${end}`);
    names.add(name);
    end += length;
  }
  if (end !== flatLength) throw invalid(`the layout covers ${end} values, the flat buffer has ${flatLength}`);
  return ordered;
}

/**
 * Named views of a flat buffer, in its order; they share its memory.
 *
 * @throws TrainingError CHECKPOINT_INVALID as `orderLayout` does.
 */
export function toTensors(flat: Float32Array, layout: readonly ParameterLayout[]): Map<string, Tensor> {
  const parts = orderLayout(layout, flat.length);
  return new Map(
    parts.map(({ name, shape, offset, length }) => [name, { shape, values: flat.subarray(offset, offset + length) }]),
  );
}

/**
 * A new flat buffer from named tensors.
 *
 * @throws TrainingError CHECKPOINT_INVALID naming the parameter that is missing, unknown, or of another shape or type.
 */
export function fromTensors(tensors: ReadonlyMap<string, Tensor>, layout: readonly ParameterLayout[]): Float32Array {
  const flatLength = layout.reduce((sum, { length }) => sum + length, 0);
  const parts = orderLayout(layout, flatLength);
  const flat = new Float32Array(flatLength);
  for (const { name, shape, offset } of parts) {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw invalid(`parameter "${name}" is missing`);
    if (!(tensor.values instanceof Float32Array)) throw invalid(`parameter "${name}" is not of type F32`);
    if (tensor.shape.join() !== shape.join()) {
      throw invalid(`parameter "${name}" has shape [${tensor.shape.join(', ')}], expected [${shape.join(', ')}]`);
    }
    flat.set(tensor.values, offset);
  }
  for (const name of tensors.keys()) {
    if (!parts.some((part) => part.name === name)) throw invalid(`tensor "${name}" is not a parameter of the layout`);
  }
  return flat;
}

function invalid(fault: string): TrainingError {
  return new TrainingError(
    'CHECKPOINT_INVALID',
    `parameters and layout do not agree: ${fault}; use the layout of this model`,
  );
}
