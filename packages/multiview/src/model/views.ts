/**
 * Views: resamplings of an image. Zooms and shifts are separable, so such a view and the cutting into overlapping patches are
 * one pair of small matrices; a rotation is three shears before that, each one small matrix per row (Paeth 1986). All are
 * applied by matrix products through which gradients flow. Pure numbers; no tensors here.
 */
import type { ModelConfig } from '../config/model-schema.js';

/** How a view looks at the image; a dataset never gets a view that changes a label. */
export interface View {
  /** Above 1 looks closer. */
  readonly zoom: number;
  /** Turns what is seen clockwise. */
  readonly rotationDegrees: number;
  /** Pixels by which the view looks to the right and down. */
  readonly shiftX: number;
  readonly shiftY: number;
}

const IDENTITY: View = { zoom: 1, rotationDegrees: 0, shiftX: 0, shiftY: 0 };

export const VIEWS: Readonly<Record<ModelConfig['views'][number], View>> = {
  identity: IDENTITY,
  'zoom-in': { ...IDENTITY, zoom: 1.25 },
  'zoom-out': { ...IDENTITY, zoom: 0.8 },
  rotation: { ...IDENTITY, rotationDegrees: 15 },
  shift: { ...IDENTITY, shiftX: 2, shiftY: 2 },
};

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
      // A patch that reaches over the edge of the view sees nothing there, whatever the zoom brings in.
      if (position < 0 || position > size - 1) continue;
      addSample(matrix, {
        size,
        columns,
        column: cell * patchSize + k,
        source: (position - centre) / zoom + centre + shift,
      });
    }
  }
  return matrix;
}

/**
 * One shear as a matrix for each row: row r moves by `slope` times its distance from the centre.
 *
 * @returns [rows, size, size], row-major: [r, s, t] is the weight of source pixel s for pixel t of row r
 */
export function shearMatrices(rows: number, size: number, slope: number): Float32Array {
  const matrices = new Float32Array(rows * size * size);
  for (let row = 0; row < rows; row++) {
    const matrix = matrices.subarray(row * size * size, (row + 1) * size * size);
    const move = slope * (row - (rows - 1) / 2);
    for (let column = 0; column < size; column++) {
      addSample(matrix, { size, columns: size, column, source: column + move });
    }
  }
  return matrices;
}

interface Sample {
  readonly size: number;
  readonly columns: number;
  readonly column: number;
  /** Where along the axis the column looks, in pixels. */
  readonly source: number;
}

/** Linear interpolation between the two nearest pixels; what lies outside counts as zero. */
function addSample(matrix: Float32Array, { size, columns, column, source }: Sample): void {
  const lower = Math.floor(source);
  const fraction = source - lower;
  if (lower >= 0 && lower < size) matrix[lower * columns + column]! += 1 - fraction;
  if (fraction > 0 && lower + 1 >= 0 && lower + 1 < size) matrix[(lower + 1) * columns + column]! += fraction;
}
