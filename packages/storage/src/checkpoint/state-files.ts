/**
 * The training state as the content of the safetensors files, and back. Writing lays the parameters in flat order, so the
 * data of model.safetensors is the flat weights, byte for byte. The average of the weights has a file of its own, with the
 * same tensors, when the run keeps one. No disk, no hashes.
 */
import {
  decodeSafetensors,
  encodeSafetensors,
  fromTensors,
  toTensors,
  TrainingError,
  type ParameterLayout,
  type PerFile,
  type Tensor,
  type TensorFileName,
  type TrainingState,
} from '@facet/shared';

/** The content of each file that holds tensors. */
export type TensorFiles = PerFile<Uint8Array>;

/** The content of the files of a checkpoint that training can go on from. */
export type StateFiles = TensorFiles & Readonly<Record<'optimizer.safetensors', Uint8Array>>;

/**
 * Copies a state into file contents; `weightBytes` is the part of model.safetensors that holds the weights.
 *
 * @throws TrainingError CHECKPOINT_INVALID when the moments, the average or the layout do not fit the weights.
 */
export function encodeState(
  state: TrainingState,
  layout: readonly ParameterLayout[],
): { readonly files: StateFiles; readonly weightBytes: Uint8Array } {
  const { step, weights, m, v, ema } = state;
  for (const [name, values] of Object.entries({ m, v, ...(ema !== undefined && { ema }) })) {
    if (values.length === weights.length) continue;
    throw new TrainingError(
      'CHECKPOINT_INVALID',
      `the state's ${name} has ${values.length} values, expected ${weights.length} as the weights have`,
    );
  }
  const model = encodeSafetensors({ tensors: toTensors(weights, layout), metadata: {} });
  const moments = new Map<string, Tensor>([
    ['m', { shape: [m.length], values: m }],
    ['v', { shape: [v.length], values: v }],
  ]);
  const optimizer = encodeSafetensors({ tensors: moments, metadata: { step: String(step) } });
  return {
    files: {
      'model.safetensors': model,
      'optimizer.safetensors': optimizer,
      ...(ema !== undefined && {
        'ema.safetensors': encodeSafetensors({ tensors: toTensors(ema, layout), metadata: { step: String(step) } }),
      }),
    },
    weightBytes: model.subarray(model.byteLength - weights.byteLength),
  };
}

interface DecodeStateOptions {
  readonly files: StateFiles;
  readonly layout: readonly ParameterLayout[];
  readonly step: number;
}

/**
 * Reads a state into new buffers.
 *
 * @throws TrainingError CHECKPOINT_INVALID naming the file and what in it is not as layout and step say.
 */
export function decodeState({ files, layout, step }: DecodeStateOptions): TrainingState {
  const weights = decodeWeights(files, layout);
  const moments = naming('optimizer.safetensors', () => {
    const { tensors, metadata } = decodeSafetensors(files['optimizer.safetensors']);
    requireStep(metadata, step);
    const length = weights.length;
    const both = fromTensors(tensors, [
      { name: 'm', shape: [length], offset: 0, length },
      { name: 'v', shape: [length], offset: length, length },
    ]);
    return { m: both.slice(0, length), v: both.slice(length) };
  });
  const average = files['ema.safetensors'];
  if (average === undefined) return { step, weights, ...moments };
  return naming('ema.safetensors', () => {
    const { tensors, metadata } = decodeSafetensors(average);
    requireStep(metadata, step);
    return { step, weights, ...moments, ema: fromTensors(tensors, layout) };
  });
}

/**
 * Reads only the weights, into a new buffer.
 *
 * @throws TrainingError CHECKPOINT_INVALID when they are not as the layout says.
 */
export function decodeWeights(files: TensorFiles, layout: readonly ParameterLayout[]): Float32Array {
  return naming('model.safetensors', () => fromTensors(decodeSafetensors(files['model.safetensors']).tensors, layout));
}

function requireStep(metadata: Readonly<Record<string, string>>, step: number): void {
  if (metadata['step'] === String(step)) return;
  throw new TrainingError('CHECKPOINT_INVALID', `it is of step ${metadata['step']}, expected ${step}`);
}

function naming<T>(file: TensorFileName, read: () => T): T {
  try {
    return read();
  } catch (caught) {
    if (!(caught instanceof TrainingError)) throw caught;
    throw new TrainingError(caught.code, `${file}: ${caught.message}`, { cause: caught });
  }
}
