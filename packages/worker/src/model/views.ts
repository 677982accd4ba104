/**
 * Views: resamplings of an image. Zooms and shifts are separable, so a view and the cutting into overlapping patches are
 * one pair of small matrices, applied by matrix products through which gradients flow. Pure numbers; no tensors here.
 */

/** How a view looks at the image; a dataset never gets a view that changes a label. */
export interface View {
  readonly name: string;
  /** Above 1 looks closer. */
  readonly zoom: number;
  /** Pixels by which the view looks to the right and down. */
  readonly shiftX: number;
  readonly shiftY: number;
}

export const VIEWS = {
  identity: { name: 'identity', zoom: 1, shiftX: 0, shiftY: 0 },
  'zoom-in': { name: 'zoom-in', zoom: 1.25, shiftX: 0, shiftY: 0 },
  'zoom-out': { name: 'zoom-out', zoom: 0.8, shiftX: 0, shiftY: 0 },
} as const satisfies Record<string, View>;

export interface PatchGrid {
  /** Patches along one side. */
  readonly cells: number;
  /** Pixels along one side of a patch; patches overlap when it exceeds the stride. */
  readonly patchSize: number;
  readonly stride: number;
}

/**
 * The matrix that resamples one axis bilinearly and cuts it into patches.
 *
 * @returns [size, cells * patchSize], row-major: column (t, k) holds the weights of the source pixels for pixel k of
 *   patch t. Pixels outside the image are zero.
 */
export function resampleMatrix(size: number, zoom: number, shift: number, grid: PatchGrid): Float32Array {
  const { cells, patchSize, stride } = grid;
  const columns = cells * patchSize;
  const matrix = new Float32Array(size * columns);
  const centre = (size - 1) / 2;
  // The grid of patches is centred on the image, to the pixel.
  const margin = Math.floor(((cells - 1) * stride + patchSize - size) / 2);
  for (let cell = 0; cell < cells; cell++) {
    for (let k = 0; k < patchSize; k++) {
      const position = cell * stride + k - margin;
      const source = (position - centre) / zoom + centre + shift;
      const lower = Math.floor(source);
      const fraction = source - lower;
      const column = cell * patchSize + k;
      // A patch that reaches over the edge of the view sees nothing there, whatever the zoom brings in.
      if (position < 0 || position > size - 1) continue;
      if (lower >= 0 && lower < size) matrix[lower * columns + column]! += 1 - fraction;
      if (fraction > 0 && lower + 1 >= 0 && lower + 1 < size) matrix[(lower + 1) * columns + column]! += fraction;
    }
  }
  return matrix;
}
