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

/** Row means as products with gain / width: neither dy * gain * normalised nor a reduction over it is needed. */
function byProducts(g, names, { rows, width, sumColumns }) {
  const { dy, gain, reciprocal } = names;
  const hat = normalised(g, names);
  const product = g.op('Mul', [dy, hat]);
  const column = g.op('Reshape', [g.op('Mul', [gain, g.scalar(1 / width)]), g.integers([width, 1])]);
  const dx = assemble(g, {
    scaled: g.op('Mul', [dy, gain]),
    meanScaled: g.op('MatMul', [dy, column]),
    normalised: hat,
    along: g.op('MatMul', [product, column]),
    reciprocal,
  });
  const sum = (of) => (sumColumns === 'products' ? g.op('MatMul', [g.filled(1, [rows]), of]) : columnSum(g, of));
  return { dx, dGain: sum(product), dBias: sum(dy) };
}

/** Operations on x [rows, width]. */
export function layerNormOperations({ rows, width }) {
  const matrix = [rows, width];
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
        'reductions, 13 passes': (g, names) => {
          const { dy, gain, reciprocal } = names;
          const hat = normalised(g, names);
          const scaled = g.op('Mul', [dy, gain]);
          const along = rowMean(g, g.op('Mul', [scaled, hat]));
          const dx = assemble(g, { scaled, meanScaled: rowMean(g, scaled), normalised: hat, along, reciprocal });
          return { dx, dGain: columnSum(g, g.op('Mul', [dy, hat])), dBias: columnSum(g, dy) };
        },
        'row means as products': (g, names) => byProducts(g, names, { rows, width, sumColumns: 'reductions' }),
        'row means and column sums as products': (g, names) =>
          byProducts(g, names, { rows, width, sumColumns: 'products' }),
        'column sums as products': (g, names) => {
          const { dy, gain, reciprocal } = names;
          const hat = normalised(g, names);
          const scaled = g.op('Mul', [dy, gain]);
          const along = rowMean(g, g.op('Mul', [scaled, hat]));
          const dx = assemble(g, { scaled, meanScaled: rowMean(g, scaled), normalised: hat, along, reciprocal });
          const sum = (of) => g.op('MatMul', [g.filled(1, [rows]), of]);
          return { dx, dGain: sum(g.op('Mul', [dy, hat])), dBias: sum(dy) };
        },
        'layer norm of x again as hat': (g, names) => {
          const { dy, x, gain, reciprocal } = names;
          const hat = normalise(g, x, g.filled(1, [width]), g.filled(0, [width]), 1);
          const product = g.op('Mul', [dy, hat]);
          const weights = g.op('Reshape', [g.op('Mul', [gain, g.scalar(1 / width)]), g.integers([width, 1])]);
          const dx = assemble(g, {
            scaled: g.op('Mul', [dy, gain]),
            meanScaled: g.op('MatMul', [dy, weights]),
            normalised: hat,
            along: g.op('MatMul', [product, weights]),
            reciprocal,
          });
          return { dx, dGain: columnSum(g, product), dBias: columnSum(g, dy) };
        },
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
