/**
 * Cheap means of locality on a grid of tokens, built from copies alone, each with the gradient that its transpose is.
 */
import * as tf from '@tensorflow/tfjs';

/**
 * Moves an eighth of the channels by one token up, down, left and right each; what moves in from outside is zero. Gives
 * attention a sense of neighbourhood for the price of four copies (Wang et al. 2022, "When Shift Operation Meets Vision Transformer").
 *
 * @param x [batch, rows, columns, width], width divisible by 8
 */
export function tokenShift(x: tf.Tensor4D): tf.Tensor4D {
  const move = (input: tf.Tensor4D, direction: 1 | -1): tf.Tensor4D => {
    const part = input.shape[3] / 8;
    const group = (index: number, rows: number, columns: number): tf.Tensor4D =>
      shifted(channels(input, index * part, part), rows, columns);
    return tf.concat(
      [
        group(0, direction, 0),
        group(1, -direction, 0),
        group(2, 0, direction),
        group(3, 0, -direction),
        channels(input, 4 * part, 4 * part),
      ],
      3,
    );
  };
  // A shift is a permutation with zeros, so its transpose is the shift the other way.
  return tf.customGrad((...args) => ({
    value: move(args[0] as tf.Tensor4D, 1),
    gradFunc: (dy: tf.Tensor) => move(dy as tf.Tensor4D, -1),
  }))(x) as tf.Tensor4D;
}

export interface Window {
  /** Cells along one side of a window. */
  readonly size: number;
  /** Cells from one window to the next; divides the sides of the grid. */
  readonly stride: number;
}

/**
 * Lays the cells of each window side by side: what a convolution reads, so that it becomes one matrix product. Windows are
 * centred on their stride, to the cell; cells outside the grid are zero.
 *
 * @param x [batch, cells, cells, width]
 * @returns [batch, cells / stride, cells / stride, size * size * width]
 */
export function unfold(x: tf.Tensor4D, window: Window): tf.Tensor4D {
  return tf.customGrad((...args) => ({
    value: unfoldCells(args[0] as tf.Tensor4D, window),
    gradFunc: (dy: tf.Tensor) => foldCells(dy as tf.Tensor4D, x.shape[3], window),
  }))(x) as tf.Tensor4D;
}

interface Tap {
  /** Which cell of a stride's square. */
  readonly row: number;
  readonly column: number;
  /** How many windows further it is read. */
  readonly rowShift: number;
  readonly columnShift: number;
}

/** The cells of a window in order, each as a place in a stride's square and a number of whole strides. */
function taps({ size, stride }: Window): Tap[] {
  const before = Math.ceil((size - stride) / 2);
  const place = (tap: number): { readonly at: number; readonly shift: number } => {
    const shift = Math.floor((tap - before) / stride);
    return { at: tap - before - shift * stride, shift };
  };
  return Array.from({ length: size * size }, (_, index) => {
    const [row, column] = [place(Math.floor(index / size)), place(index % size)];
    return { row: row.at, column: column.at, rowShift: row.shift, columnShift: column.shift };
  });
}

function unfoldCells(x: tf.Tensor4D, window: Window): tf.Tensor4D {
  const [batch, cells, , width] = x.shape;
  const { stride } = window;
  const side = cells / stride;
  const squares = x.reshape([batch, side, stride, side, stride, width]);
  const planes = Array.from({ length: stride * stride }, (_, index) =>
    squares
      .slice([0, 0, Math.floor(index / stride), 0, index % stride, 0], [batch, side, 1, side, 1, width])
      .reshape<tf.Tensor4D>([batch, side, side, width]),
  );
  const read = taps(window).map((tap) =>
    shifted(planes[tap.row * stride + tap.column]!, tap.rowShift, tap.columnShift),
  );
  return tf.concat(read, 3);
}

/** The transpose of unfolding: every cell adds up what its readers hand back. */
function foldCells(dy: tf.Tensor4D, width: number, window: Window): tf.Tensor4D {
  const [batch, side] = dy.shape;
  const { stride } = window;
  const planes: tf.Tensor4D[] = [];
  taps(window).forEach((tap, index) => {
    const back = shifted(channels(dy, index * width, width), -tap.rowShift, -tap.columnShift);
    const plane = tap.row * stride + tap.column;
    planes[plane] = planes[plane]?.add(back) ?? back;
  });
  const rows = Array.from({ length: stride }, (_, row) =>
    tf.concat(
      planes.slice(row * stride, (row + 1) * stride).map((plane) => plane.reshape([batch, side, 1, side, 1, width])),
      4,
    ),
  );
  return tf.concat(rows, 2).reshape([batch, side * stride, side * stride, width]);
}

function channels(x: tf.Tensor4D, from: number, count: number): tf.Tensor4D {
  const [batch, rows, columns] = x.shape;
  return x.slice([0, 0, 0, from], [batch, rows, columns, count]);
}

/** The grid read so many rows down and columns to the right; zero outside. */
function shifted(x: tf.Tensor4D, rowShift: number, columnShift: number): tf.Tensor4D {
  if (rowShift === 0 && columnShift === 0) return x;
  const [batch, rows, columns, width] = x.shape;
  return x
    .slice(
      [0, Math.max(0, rowShift), Math.max(0, columnShift), 0],
      [batch, rows - Math.abs(rowShift), columns - Math.abs(columnShift), width],
    )
    .pad([
      [0, 0],
      [Math.max(0, -rowShift), Math.max(0, rowShift)],
      [Math.max(0, -columnShift), Math.max(0, columnShift)],
      [0, 0],
    ]);
}
