/**
 * Ways to compute layer norm and its gradient. The first candidate of every operation is what the engine does now.
 */
import { float } from './onnx-graph.mjs';
import { randomValues } from './program-session.mjs';

const EPSILON = 1e-5;
const EVERY = [true, true, true];

const rowMean = (g, x) => g.op('ReduceMean', [x, g.integers([1])], { keepdims: 1 });
const columnSum = (g, x) => g.op('ReduceSum', [x, g.integers([0])], { keepdims: 0 });
const normalise = (g, x, gain, bias, results = EVERY) =>
  g.op('LayerNormalization', [x, gain, bias], { axis: -1, epsilon: float(EPSILON), results });

function composed(g, { x, gain, bias }) {
  const mean = rowMean(g, x);
  const centred = g.op('Sub', [x, mean]);
  const variance = rowMean(g, g.op('Mul', [centred, centred]));
  const deviation = g.op('Sqrt', [g.op('Add', [variance, g.scalar(EPSILON)])]);
  const reciprocal = g.op('Reciprocal', [deviation]);
  const y = g.op('Add', [g.op('Mul', [g.op('Mul', [centred, reciprocal]), gain]), bias]);
  return { y, mean, reciprocal };
}

/** dx from its row means: (scaled - meanScaled - normalised * along) * reciprocal. */
function assemble(g, { scaled, meanScaled, normalised, along, reciprocal }) {
  const rest = g.op('Sub', [g.op('Sub', [scaled, meanScaled]), g.op('Mul', [normalised, along])]);
  return g.op('Mul', [rest, reciprocal]);
}

const normalised = (g, { x, mean, reciprocal }) => g.op('Mul', [g.op('Sub', [x, mean]), reciprocal]);

/** The gradient as it is usually written, with either kind of means along rows and sums over rows. */
function plain(g, names, { meanOf, sumOf }) {
  const { dy, gain, reciprocal } = names;
  const hat = normalised(g, names);
  const scaled = g.op('Mul', [dy, gain]);
  const along = meanOf(g, g.op('Mul', [scaled, hat]));
  const dx = assemble(g, { scaled, meanScaled: meanOf(g, scaled), normalised: hat, along, reciprocal });
  return { dx, dGain: sumOf(g, g.op('Mul', [dy, hat])), dBias: sumOf(g, dy) };
}

/** Row means as products with gain / width: the product of scaled and hat is not needed. */
function withGainColumn(g, names, { width, hat, sumOf }) {
  const { dy, gain, reciprocal } = names;
  const column = g.op('Reshape', [g.op('Mul', [gain, g.scalar(1 / width)]), g.integers([width, 1])]);
  const product = g.op('Mul', [dy, hat]);
  const dx = assemble(g, {
    scaled: g.op('Mul', [dy, gain]),
    meanScaled: g.op('MatMul', [dy, column]),
    normalised: hat,
    along: g.op('MatMul', [product, column]),
    reciprocal,
  });
  return { dx, dGain: sumOf(g, product), dBias: sumOf(g, dy) };
}

/** Operations on x [rows, width]. */
export function layerNormOperations({ rows, width }) {
  const matrix = [rows, width];
  const meanByProduct = (g, x) => g.op('MatMul', [x, g.filled(1 / width, [width, 1])]);
  const sumByProduct = (g, x) => g.op('Reshape', [g.op('MatMul', [g.filled(1, [1, rows]), x]), g.integers([width])]);
  const shape = `[${rows}, ${width}]`;
  const parameters = { gain: [width], bias: [width] };
  const column = [rows, 1];
  return [
    {
      op: 'layer norm',
      shape,
      inputs: { x: matrix, ...parameters },
      outputs: { y: matrix, mean: column, reciprocal: column },
      chain: { y: 'x' },
      candidates: {
        LayerNormalization: (g, { x, gain, bias }) => {
          const [y, mean, reciprocal] = normalise(g, x, gain, bias);
          return { y, mean, reciprocal };
        },
        'LayerNormalization, y alone (forward only)': (g, { x, gain, bias }) => ({
          y: normalise(g, x, gain, bias, 1),
        }),
        composed,
      },
    },
    {
      op: 'residual + layer norm',
      shape,
      inputs: { x: matrix, skip: matrix, ...parameters },
      outputs: { sum: matrix, y: matrix, mean: column, reciprocal: column },
      chain: { y: 'x' },
      candidates: {
        'Add, LayerNormalization': (g, { x, skip, gain, bias }) => {
          const sum = g.op('Add', [x, skip]);
          const [y, mean, reciprocal] = normalise(g, sum, gain, bias);
          return { sum, y, mean, reciprocal };
        },
        'SkipLayerNormalization with mean and deviation': (g, { x, skip, gain, bias }) => {
          const [y, mean, reciprocal, sum] = skipNormalise(g, [x, skip, gain, bias], [true, true, true, true]);
          return { sum, y, mean, reciprocal };
        },
        'SkipLayerNormalization (forward only)': (g, { x, skip, gain, bias }) => {
          const [y, , , sum] = skipNormalise(g, [x, skip, gain, bias], [true, false, false, true]);
          return { sum, y };
        },
      },
    },
    {
      op: 'layer norm gradient',
      shape,
      inputs: { dy: matrix, x: matrix, gain: [width], mean: column, reciprocal: column },
      outputs: { dx: matrix, dGain: [width], dBias: [width] },
      chain: { dx: 'dy' },
      values: statistics(rows, width),
      candidates: {
        'means and sums as products': (g, names) => plain(g, names, { meanOf: meanByProduct, sumOf: sumByProduct }),
        'means and sums as reductions': (g, names) => plain(g, names, { meanOf: rowMean, sumOf: columnSum }),
        'sums as products': (g, names) => plain(g, names, { meanOf: rowMean, sumOf: sumByProduct }),
        'means as products with gain': (g, names) =>
          withGainColumn(g, names, { width, hat: normalised(g, names), sumOf: columnSum }),
        'means as products with gain, sums as products': (g, names) =>
          withGainColumn(g, names, { width, hat: normalised(g, names), sumOf: sumByProduct }),
        'means as products with gain, sums as products, layer norm of x again': (g, names) =>
          withGainColumn(g, names, {
            width,
            hat: normalise(g, names.x, g.filled(1, [width]), g.filled(0, [width]), 1),
            sumOf: sumByProduct,
          }),
      },
    },
  ];
}

function skipNormalise(g, inputs, results) {
  return g.microsoft('SkipLayerNormalization', inputs, { epsilon: float(EPSILON), results });
}

/** Random rows with their own mean and 1/standard deviation. */
function statistics(rows, width) {
  const x = randomValues(rows * width);
  const mean = new Float32Array(rows);
  const reciprocal = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const values = x.subarray(row * width, (row + 1) * width);
    mean[row] = values.reduce((sum, value) => sum + value, 0) / width;
    const variance = values.reduce((sum, value) => sum + (value - mean[row]) ** 2, 0) / width;
    reciprocal[row] = 1 / Math.sqrt(variance + EPSILON);
  }
  return { x, mean, reciprocal };
}
