/**
 * Ways to compute the gradient of attention and of its softmax. The first candidate of every operation is what the engine
 * does now.
 */
import { transposeLast, type AttentionShape } from './attention-layouts.js';
import { float, type Graph, type Value } from './onnx-graph.js';
import { defineOperation, type Candidate, type Operation } from './operation.js';

/** One matrix per head. */
export interface HeadValues {
  readonly dMixed: Value;
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly mixed: Value;
  readonly probabilities: Value;
}

/** The row sums of dP * P, from what there is; dP is a product that is there anyway. */
export type AlongOf = (g: Graph, values: HeadValues, dProbabilities: Value) => Value;

export interface ScaledShape extends AttentionShape {
  readonly scale: number;
}

const rowSum = (g: Graph, x: Value): Value => g.op('ReduceSum', [x, g.integers([3])], { keepdims: 1 });
/** Row sums of dO * O, which are those of dP * P, over the width of a head instead of all tokens. */
export const alongMixed: AlongOf = (g, { dMixed, mixed }) => rowSum(g, g.op('Mul', [dMixed, mixed]));
const rowSumByProduct = (g: Graph, x: Value, width: number): Value => g.op('MatMul', [x, g.filled(1, [width, 1])]);

/** dScores before the scale: (dP - along) * P. */
const scoresGradient = (g: Graph, dProbabilities: Value, along: Value, probabilities: Value): Value =>
  g.op('Mul', [g.op('Sub', [dProbabilities, along]), probabilities]);

/** dq, dk and dv of one matrix per head, with plain products; `alongOf` gives the row sums of dP * P. */
export function headGradients(
  g: Graph,
  values: HeadValues,
  scale: number,
  alongOf: AlongOf,
): Record<'dq' | 'dk' | 'dv', Value> {
  const { dMixed, q, k, v, probabilities } = values;
  const dP = g.op('MatMul', [dMixed, transposeLast(g, v)]);
  const dS = scoresGradient(g, dP, alongOf(g, values, dP), probabilities);
  return {
    dq: g.op('Mul', [g.op('MatMul', [dS, k]), g.scalar(scale)]),
    dk: g.op('Mul', [g.op('MatMul', [transposeLast(g, dS), q]), g.scalar(scale)]),
    dv: g.op('MatMul', [transposeLast(g, probabilities), dMixed]),
  };
}

type GradientCandidate = Candidate<keyof HeadValues, 'dq' | 'dk' | 'dv'>;

function gradientCandidates({ tokens, headWidth, scale }: ScaledShape): Record<string, GradientCandidate> {
  const alongMixedByProduct: AlongOf = (g, { dMixed, mixed }) =>
    rowSumByProduct(g, g.op('Mul', [dMixed, mixed]), headWidth);
  const alongScores: AlongOf = (g, { probabilities }, dP) => rowSum(g, g.op('Mul', [dP, probabilities]));
  const alongScoresByProduct: AlongOf = (g, { probabilities }, dP) =>
    rowSumByProduct(g, g.op('Mul', [dP, probabilities]), tokens);

  const explicit =
    (alongOf: AlongOf): GradientCandidate =>
    (g, names) =>
      headGradients(g, names, scale, alongOf);
  const fused =
    (alongOf: AlongOf): GradientCandidate =>
    (g, names) => {
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
export function attentionGradientOperations(sizes: ScaledShape): Operation[] {
  const { batch, heads, tokens, headWidth } = sizes;
  const perHead = [batch, heads, tokens, headWidth];
  const square = [batch, heads, tokens, tokens];
  const shape = `[${perHead.join(', ')}]`;
  return [
    defineOperation({
      op: 'attention gradient',
      shape,
      inputs: { dMixed: perHead, q: perHead, k: perHead, v: perHead, mixed: perHead, probabilities: square },
      outputs: { dq: perHead, dk: perHead, dv: perHead },
      // The row sums agree only when mixed = probabilities v.
      values: attentionValues(sizes),
      candidates: gradientCandidates(sizes),
    }),
    defineOperation({
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
    }),
  ];
}

/** Random probabilities and values, and what they mix to. */
function attentionValues({
  batch,
  heads,
  tokens,
  headWidth,
}: AttentionShape): Record<'v' | 'probabilities' | 'mixed', Float32Array> {
  const random = (length: number): Float32Array => Float32Array.from({ length }, () => Math.random() - 0.5);
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
      for (let token = 0; token < tokens; token++) total += scores[token]! * v[(group + token) * headWidth + column]!;
      mixed[row * headWidth + column] = total;
    }
  }
  return { v, probabilities, mixed };
}
