/**
 * The training state as the content of the two safetensors files, and back. Writing lays the parameters in flat order,
 * so the data of model.safetensors is the flat weights, byte for byte. No disk, no hashes.
 */
import {
  decodeSafetensors,
  encodeSafetensors,
  fromTensors,
  toTensors,
  TrainingError,
  type ParameterLayout,
  type Tensor,
  type TensorFileName,
  type TrainingState,
} from '@facet/shared';

/** The content of each file that holds tensors. */
type TensorFiles = Readonly<Record<TensorFileName, Uint8Array>>;

/**
 * Copies a state into file contents; `weightBytes` is the part of model.safetensors that holds the weights.
 *
 * @throws TrainingError CHECKPOINT_INVALID when the moments or the layout do not fit the weights.
 */
export function encodeState(
  state: TrainingState,
  layout: readonly ParameterLayout[],
): { readonly files: TensorFiles; readonly weightBytes: Uint8Array } {
  const { step, weights, m, v } = state;
  for (const [name, moment] of Object.entries({ m, v })) {
    if (moment.length === weights.length) continue;
    throw new TrainingError(
      'CHECKPOINT_INVALID',
      `the optimizer's ${name} has ${moment.length} values, expected ${weights.length} as the weights have`,
    );
  }
  const model = encodeSafetensors({ tensors: toTensors(weights, layout), metadata: {} });
  const moments = new Map<string, Tensor>([
    ['m', { shape: [m.length], values: m }],
    ['v', { shape: [v.length], values: v }],
  ]);
  const optimizer = encodeSafetensors({ tensors: moments, metadata: { step: String(step) } });
  return {
    files: { 'model.safetensors': model, 'optimizer.safetensors': optimizer },
    weightBytes: model.subarray(model.byteLength - weights.byteLength),
  };
}

interface DecodeStateOptions {
  readonly files: TensorFiles;
  readonly layout: readonly ParameterLayout[];
  readonly step: number;
}

/**
 * Reads a state into new buffers.
 *
 * @throws TrainingError CHECKPOINT_INVALID naming the file and what in it is not as layout and step say.
 */
export function decodeState({ files, layout, step }: DecodeStateOptions): TrainingState {
  const weights = naming('model.safetensors', () =>
    fromTensors(decodeSafetensors(files['model.safetensors']).tensors, layout),
  );
  return naming('optimizer.safetensors', () => {
    const { tensors, metadata } = decodeSafetensors(files['optimizer.safetensors']);
    if (metadata['step'] !== String(step)) {
      throw new TrainingError('CHECKPOINT_INVALID', `it is of step ${metadata['step']}, expected ${step}`);
    }
    const length = weights.length;
    const both = fromTensors(tensors, [
      { name: 'm', shape: [length], offset: 0, length },
      { name: 'v', shape: [length], offset: length, length },
    ]);
    return { step, weights, m: both.slice(0, length), v: both.slice(length) };
  });
}

function naming<T>(file: TensorFileName, read: () => T): T {
  try {
    return read();
  } catch (caught) {
    if (!(caught instanceof TrainingError)) throw caught;
    throw new TrainingError(caught.code, `${file}: ${caught.message}`, { cause: caught });
  }
}
