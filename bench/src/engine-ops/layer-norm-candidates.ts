/**
 * Ways to compute layer norm and its gradient. The first candidate of every operation is what the engine does now.
 */
import { randomValues } from '../random-values.js';
import { float, type Graph, type Value } from './onnx-graph.js';
import { defineOperation, type Operation } from './operation.js';

const EPSILON = 1e-5;

type Along = (g: Graph, x: Value) => Value;

const rowMean: Along = (g, x) => g.op('ReduceMean', [x, g.integers([1])], { keepdims: 1 });
const columnSum: Along = (g, x) => g.op('ReduceSum', [x, g.integers([0])], { keepdims: 0 });
const NORMALISE = { axis: -1, epsilon: float(EPSILON) };

interface Normed {
  readonly y: Value;
  readonly mean: Value;
  readonly reciprocal: Value;
}

function normalise(g: Graph, x: Value, gain: Value, bias: Value): Normed {
  const results = g.opWithResults('LayerNormalization', [x, gain, bias], [true, true, true], NORMALISE);
  const [y, mean, reciprocal] = results as [Value, Value, Value];
  return { y, mean, reciprocal };
}

/** Without what the gradient needs. */
const normaliseAlone = (g: Graph, x: Value, gain: Value, bias: Value): Value =>
  g.op('LayerNormalization', [x, gain, bias], NORMALISE);

function composed(g: Graph, { x, gain, bias }: Readonly<Record<'x' | 'gain' | 'bias', Value>>): Normed {
  const mean = rowMean(g, x);
  const centred = g.op('Sub', [x, mean]);
  const variance = rowMean(g, g.op('Mul', [centred, centred]));
  const deviation = g.op('Sqrt', [g.op('Add', [variance, g.scalar(EPSILON)])]);
  const reciprocal = g.op('Reciprocal', [deviation]);
  const y = g.op('Add', [g.op('Mul', [g.op('Mul', [centred, reciprocal]), gain]), bias]);
  return { y, mean, reciprocal };
}

type MeanParts = Readonly<Record<'scaled' | 'meanScaled' | 'normalised' | 'along' | 'reciprocal', Value>>;

/** dx from its row means: (scaled - meanScaled - normalised * along) * reciprocal. */
function assemble(g: Graph, { scaled, meanScaled, normalised, along, reciprocal }: MeanParts): Value {
  const rest = g.op('Sub', [g.op('Sub', [scaled, meanScaled]), g.op('Mul', [normalised, along])]);
  return g.op('Mul', [rest, reciprocal]);
}

type GradientInputs = Readonly<Record<'dy' | 'x' | 'gain' | 'mean' | 'reciprocal', Value>>;
type Gradients = Readonly<Record<'dx' | 'dGain' | 'dBias', Value>>;

const normalised = (g: Graph, { x, mean, reciprocal }: GradientInputs): Value =>
  g.op('Mul', [g.op('Sub', [x, mean]), reciprocal]);

/** The gradient as it is usually written, with either kind of means along rows and sums over rows. */
function plain(g: Graph, names: GradientInputs, { meanOf, sumOf }: { meanOf: Along; sumOf: Along }): Gradients {
  const { dy, gain, reciprocal } = names;
  const hat = normalised(g, names);
  const scaled = g.op('Mul', [dy, gain]);
  const along = meanOf(g, g.op('Mul', [scaled, hat]));
  const dx = assemble(g, { scaled, meanScaled: meanOf(g, scaled), normalised: hat, along, reciprocal });
  return { dx, dGain: sumOf(g, g.op('Mul', [dy, hat])), dBias: sumOf(g, dy) };
}

/** Row means as products with gain / width: the product of scaled and hat is not needed. */
function withGainColumn(
  g: Graph,
  names: GradientInputs,
  { width, hat, sumOf }: { width: number; hat: Value; sumOf: Along },
): Gradients {
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
export function layerNormOperations({ rows, width }: { rows: number; width: number }): Operation[] {
  const matrix = [rows, width];
  const meanByProduct: Along = (g, x) => g.op('MatMul', [x, g.filled(1 / width, [width, 1])]);
  const sumByProduct: Along = (g, x) =>
    g.op('Reshape', [g.op('MatMul', [g.filled(1, [1, rows]), x]), g.integers([width])]);
  const shape = `[${rows}, ${width}]`;
  const parameters = { gain: [width], bias: [width] };
  const column = [rows, 1];
  return [
    defineOperation({
      op: 'layer norm',
      shape,
      inputs: { x: matrix, ...parameters },
      outputs: { y: matrix, mean: column, reciprocal: column },
      chain: { y: 'x' },
      candidates: {
        LayerNormalization: (g, { x, gain, bias }) => normalise(g, x, gain, bias),
        'LayerNormalization, y alone (forward only)': (g, { x, gain, bias }) => ({
          y: normaliseAlone(g, x, gain, bias),
        }),
        composed,
      },
    }),
    defineOperation({
      op: 'residual + layer norm',
      shape,
      inputs: { x: matrix, skip: matrix, ...parameters },
      outputs: { sum: matrix, y: matrix, mean: column, reciprocal: column },
      chain: { y: 'x' },
      candidates: {
        'Add, LayerNormalization': (g, { x, skip, gain, bias }) => {
          const sum = g.op('Add', [x, skip]);
          return { sum, ...normalise(g, sum, gain, bias) };
        },
        'SkipLayerNormalization with mean and deviation': (g, { x, skip, gain, bias }) => {
          const results = skipNormalise(g, [x, skip, gain, bias], [true, true, true, true]);
          const [y, mean, reciprocal, sum] = results as [Value, Value, Value, Value];
          return { sum, y, mean, reciprocal };
        },
        'SkipLayerNormalization (forward only)': (g, { x, skip, gain, bias }) => {
          const results = skipNormalise(g, [x, skip, gain, bias], [true, false, false, true]);
          const [y, , , sum] = results as [Value, Value, Value, Value];
          return { sum, y };
        },
      },
    }),
    defineOperation({
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
            hat: normaliseAlone(g, names.x, g.filled(1, [width]), g.filled(0, [width])),
            sumOf: sumByProduct,
          }),
      },
    }),
  ];
}

function skipNormalise(g: Graph, inputs: readonly Value[], kept: readonly boolean[]): Value[] {
  return g.microsoftWithResults('SkipLayerNormalization', inputs, kept, { epsilon: float(EPSILON) });
}

/** Random rows with their own mean and 1/standard deviation. */
function statistics(rows: number, width: number): Record<'x' | 'mean' | 'reciprocal', Float32Array> {
  const x = randomValues(rows * width);
  const mean = new Float32Array(rows);
  const reciprocal = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const values = x.subarray(row * width, (row + 1) * width);
    const centre = values.reduce((sum, value) => sum + value, 0) / width;
    const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / width;
    mean[row] = centre;
    reciprocal[row] = 1 / Math.sqrt(variance + EPSILON);
  }
  return { x, mean, reciprocal };
}
