/**
 * Ways to compute the gradient of attention and of its softmax. The first candidate of every operation is what the engine
 * does now.
 */
import { transposeLast } from './attention-layouts.mjs';
import { float } from './onnx-graph.mjs';

const rowSum = (g, x) => g.op('ReduceSum', [x, g.integers([3])], { keepdims: 1 });
/** Row sums of dO * O, which are those of dP * P, over the width of a head instead of all tokens. */
export const alongMixed = (g, { dMixed, mixed }) => rowSum(g, g.op('Mul', [dMixed, mixed]));
const rowSumByProduct = (g, x, width) => g.op('MatMul', [x, g.filled(1, [width, 1])]);

/** dScores before the scale: (dP - along) * P. */
const scoresGradient = (g, dProbabilities, along, probabilities) =>
  g.op('Mul', [g.op('Sub', [dProbabilities, along]), probabilities]);

/** dq, dk and dv of one matrix per head, with plain products; `alongOf` gives the row sums of dP * P. */
export function headGradients(g, names, scale, alongOf) {
  const { dMixed, q, k, v, probabilities } = names;
  const dP = g.op('MatMul', [dMixed, transposeLast(g, v)]);
  const dS = scoresGradient(g, dP, alongOf(g, names, dP), probabilities);
  return {
    dq: g.op('Mul', [g.op('MatMul', [dS, k]), g.scalar(scale)]),
    dk: g.op('Mul', [g.op('MatMul', [transposeLast(g, dS), q]), g.scalar(scale)]),
    dv: g.op('MatMul', [transposeLast(g, probabilities), dMixed]),
  };
}

function gradientCandidates({ tokens, headWidth, scale }) {
  const alongMixedByProduct = (g, { dMixed, mixed }) => rowSumByProduct(g, g.op('Mul', [dMixed, mixed]), headWidth);
  const alongScores = (g, { probabilities }, dP) => rowSum(g, g.op('Mul', [dP, probabilities]));
  const alongScoresByProduct = (g, { probabilities }, dP) =>
    rowSumByProduct(g, g.op('Mul', [dP, probabilities]), tokens);

  const explicit = (alongOf) => (g, names) => headGradients(g, names, scale, alongOf);
  const fused = (alongOf) => (g, names) => {
    const { dMixed, q, k, v, probabilities } = names;
    const dP = g.microsoft('FusedMatMul', [dMixed, v], { transB: 1 });
    const dS = scoresGradient(g, dP, alongOf(g, names, dP), probabilities);
    return {
      dq: g.microsoft('FusedMatMul', [dS, k], { alpha: float(scale) }),
      dk: g.microsoft('FusedMatMul', [dS, q], { transA: 1, alpha: float(scale) }),
      dv: g.microsoft('FusedMatMul', [probabilities, dMixed], { transA: 1 }),
    };
  };
  return {
    'row sums of dO * O': explicit(alongMixed),
    'row sums of dO * O as a product': explicit(alongMixedByProduct),
    'row sums of dP * P': explicit(alongScores),
    'row sums of dP * P as a product': explicit(alongScoresByProduct),
    'row sums of dO * O, FusedMatMul': fused(alongMixed),
    'row sums of dO * O as a product, FusedMatMul': fused(alongMixedByProduct),
  };
}

/** Operations on [batch, heads, tokens, headWidth]. */
export function attentionGradientOperations({ batch, heads, tokens, headWidth, scale }) {
  const perHead = [batch, heads, tokens, headWidth];
  const square = [batch, heads, tokens, tokens];
  const shape = `[${perHead.join(', ')}]`;
  return [
    {
      op: 'attention gradient',
      shape,
      inputs: { dMixed: perHead, q: perHead, k: perHead, v: perHead, mixed: perHead, probabilities: square },
      outputs: { dq: perHead, dk: perHead, dv: perHead },
      // The row sums agree only when mixed = probabilities v.
      values: attentionValues(perHead, square),
      candidates: gradientCandidates({ tokens, headWidth, scale }),
    },
    {
      op: 'softmax gradient',
      shape: `[${square.join(', ')}]`,
      inputs: { dy: square, y: square },
      outputs: { dx: square },
      chain: { dx: 'dy' },
      candidates: {
        '(dy - sum(dy y)) y': (g, { dy, y }) => ({
          dx: scoresGradient(g, dy, rowSum(g, g.op('Mul', [dy, y])), y),
        }),
        'dy y - y sum(dy y)': (g, { dy, y }) => {
          const product = g.op('Mul', [dy, y]);
          return { dx: g.op('Sub', [product, g.op('Mul', [y, rowSum(g, product)])]) };
        },
        '(dy - sum(dy y)) y, the sum as a product': (g, { dy, y }) => ({
          dx: scoresGradient(g, dy, rowSumByProduct(g, g.op('Mul', [dy, y]), tokens), y),
        }),
      },
    },
  ];
}

/** Random probabilities and values, and what they mix to. */
function attentionValues([batch, heads, tokens, headWidth]) {
  const random = (length) => Float32Array.from({ length }, () => Math.random() - 0.5);
  const rows = batch * heads * tokens;
  const v = random(rows * headWidth);
  const probabilities = random(rows * tokens);
  const mixed = new Float32Array(rows * headWidth);
  for (let row = 0; row < rows; row++) {
    const scores = probabilities.subarray(row * tokens, (row + 1) * tokens);
    const exponentials = scores.map((score) => Math.exp(score));
    const sum = exponentials.reduce((total, value) => total + value, 0);
    scores.set(exponentials.map((value) => value / sum));
    const group = Math.floor(row / tokens) * tokens;
    for (let column = 0; column < headWidth; column++) {
      let total = 0;
      for (let token = 0; token < tokens; token++) total += scores[token] * v[(group + token) * headWidth + column];
      mixed[row * headWidth + column] = total;
    }
  }
  return { v, probabilities, mixed };
}
