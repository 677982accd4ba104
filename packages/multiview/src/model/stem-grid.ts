/**
 * How the stem narrows an image to tokens, as numbers: patches, then convolutions, then merging. No tensors here.
 */
import type { ModelConfig } from '../config/model-schema.js';

/** Cells along each side that a convolution reads. */
export const CONVOLUTION_SIZE = 3;

/** Cells along each side that become one token: the product of all strides after the patches. */
export function cellsPerToken({ stemConvolutions, merge }: Pick<ModelConfig, 'stemConvolutions' | 'merge'>): number {
  return stemConvolutions.reduce((cells, { stride }) => cells * stride, merge);
}

/** Pixels from one token to the next. */
export function pixelsPerToken(config: ModelConfig): number {
  return config.patchStride * cellsPerToken(config);
}
