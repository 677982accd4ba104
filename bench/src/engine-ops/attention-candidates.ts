/**
 * Ways to compute multi-head attention from one product's [rows, 3 width], and its gradient. The first candidate of every
 * operation is what the engine does now.
 */
import {
  alongMixed,
  attentionGradientOperations,
  headGradients,
  type AlongOf,
  type HeadValues,
  type ScaledShape,
} from './attention-gradient-candidates.js';
import {
  flat,
  join,
  joinByOneTranspose,
  joinByThreeTransposes,
  perHead,
  splitAfterTranspose,
  splitBeforeTranspose,
  splitRows,
  transposeLast,
  type AttentionShape,
  type Three,
} from './attention-layouts.js';
import { float, type Graph, type Value } from './onnx-graph.js';
import { defineOperation, type Candidate, type Operation } from './operation.js';

interface Mixed {
  readonly mixed: Value;
  readonly probabilities: Value;
}

type SplitBy = (g: Graph, qkv: Value, shape: AttentionShape) => Three;
type MixBy = (g: Graph, parts: Three, scale: number) => Mixed;
type JoinBy = (g: Graph, parts: Three, shape: AttentionShape) => Value;

/** softmax(q k^T * scale) v with the scale on q. */
function mix(g: Graph, [q, k, v]: Three, scale: number): Mixed {
  const scores = g.op('MatMul', [g.op('Mul', [q, g.scalar(scale)]), transposeLast(g, k)]);
  const probabilities = g.op('Softmax', [scores], { axis: -1 });
  return { mixed: g.op('MatMul', [probabilities, v]), probabilities };
}

/** The same with the scale and the transpose inside the product. */
function mixFused(g: Graph, [q, k, v]: Three, scale: number): Mixed {
  const scores = g.microsoft('FusedMatMul', [q, k], { transB: 1, alpha: float(scale) });
  const probabilities = g.op('Softmax', [scores], { axis: -1 });
  return { mixed: g.op('MatMul', [probabilities, v]), probabilities };
}

const WITH_PROBABILITIES = [true, false, false, true];

/** Attention of opset 23 on [batch, tokens, width]. */
const onnxAttributes = ({ heads, scale }: ScaledShape) => ({
  q_num_heads: heads,
  kv_num_heads: heads,
  scale: float(scale),
});

/** The same with the scores after softmax, its fourth result in mode 3. */
function onnxAttention(g: Graph, parts: Three, attributes: Parameters<Graph['op']>[2]): Mixed {
  const all = { ...attributes, qk_matmul_output_mode: 3 };
  const [mixed, , , probabilities] = g.opWithResults('Attention', parts, WITH_PROBABILITIES, all) as [
    Value,
    Value,
    Value,
    Value,
  ];
  return { mixed, probabilities };
}

function forwardCandidates(shape: ScaledShape): Record<string, Candidate<'qkv', 'mixed' | 'probabilities'>> {
  const { heads, scale } = shape;
  const explicit =
    (splitBy: SplitBy, mixBy: MixBy): Candidate<'qkv', 'mixed' | 'probabilities'> =>
    (g, { qkv }) => {
      const { mixed, probabilities } = mixBy(g, splitBy(g, qkv, shape), scale);
      return { mixed: join(g, mixed, shape), probabilities };
    };
  return {
    'one Transpose, Slice': explicit(splitAfterTranspose, mix),
    'one Transpose, Slice, FusedMatMul': explicit(splitAfterTranspose, mixFused),
    'Split, Transpose': explicit(splitBeforeTranspose, mix),
    'Split, Transpose, FusedMatMul': explicit(splitBeforeTranspose, mixFused),
    'Attention-23 with probabilities': (g, { qkv }) => {
      const { mixed, probabilities } = onnxAttention(g, splitRows(g, qkv, shape), onnxAttributes(shape));
      return { mixed: flat(g, mixed, shape), probabilities };
    },
    'Attention-23 on [batch, heads, tokens, width] with probabilities': (g, { qkv }) => {
      const parts = splitAfterTranspose(g, qkv, shape);
      const { mixed, probabilities } = onnxAttention(g, parts, { scale: float(scale) });
      return { mixed: join(g, mixed, shape), probabilities };
    },
    'Attention-23 (forward only)': (g, { qkv }) => ({
      mixed: flat(g, g.op('Attention', splitRows(g, qkv, shape), onnxAttributes(shape)), shape),
    }),
    'MultiHeadAttention (forward only)': (g, { qkv }) => ({
      mixed: flat(
        g,
        g.microsoft('MultiHeadAttention', splitRows(g, qkv, shape), { num_heads: heads, scale: float(scale) }),
        shape,
      ),
    }),
  };
}

type Whole = Candidate<'qkv' | 'dMixed', 'mixed' | 'dqkv'>;

/** Both passes between the products around them: what one form saves in the forward pass may come back in the gradient. */
function wholeCandidates(shape: ScaledShape): Record<string, Whole> {
  const { scale } = shape;
  const gradient = (g: Graph, values: HeadValues, joinBy: JoinBy, alongOf: AlongOf): Value => {
    const { dq, dk, dv } = headGradients(g, values, scale, alongOf);
    return joinBy(g, [dq, dk, dv], shape);
  };
  const explicit =
    (splitBy: SplitBy, joinBy: JoinBy): Whole =>
    (g, names) => {
      const [q, k, v] = splitBy(g, names.qkv, shape);
      const { mixed, probabilities } = mix(g, [q, k, v], scale);
      const dMixed = perHead(g, names.dMixed, shape);
      return {
        mixed: join(g, mixed, shape),
        dqkv: gradient(g, { dMixed, q, k, v, mixed, probabilities }, joinBy, alongMixed),
      };
    };
  // The row sums of dO * O in the layout in which both are: only [batch, tokens, heads, 1] is turned.
  const alongRows = (g: Graph, dMixed: Value, mixed: Value): Value => {
    const { batch, heads, tokens, headWidth } = shape;
    const product = g.op('Reshape', [g.op('Mul', [dMixed, mixed]), g.integers([batch, tokens, heads, headWidth])]);
    const sums = g.op('ReduceSum', [product, g.integers([3])], { keepdims: 1 });
    return g.op('Transpose', [sums], { perm: [0, 2, 1, 3] });
  };
  const attention23 =
    (splitBy: SplitBy, joinBy: JoinBy): Whole =>
    (g, names) => {
      const wide = onnxAttention(g, splitRows(g, names.qkv, shape), onnxAttributes(shape));
      const mixed = flat(g, wide.mixed, shape);
      const [q, k, v] = splitBy(g, names.qkv, shape);
      const values = { dMixed: perHead(g, names.dMixed, shape), q, k, v, mixed, probabilities: wide.probabilities };
      return { mixed, dqkv: gradient(g, values, joinBy, () => alongRows(g, names.dMixed, mixed)) };
    };
  return {
    'explicit, one Transpose': explicit(splitAfterTranspose, joinByOneTranspose),
    'explicit, three Transposes': explicit(splitBeforeTranspose, joinByThreeTransposes),
    'explicit, one Transpose in, three back': explicit(splitAfterTranspose, joinByThreeTransposes),
    'Attention-23 forward, one Transpose for the gradient': attention23(splitAfterTranspose, joinByOneTranspose),
    'Attention-23 forward, three Transposes for the gradient': attention23(splitBeforeTranspose, joinByThreeTransposes),
  };
}

/** Operations on [batch, heads, tokens, headWidth]. */
export function attentionOperations({ batch, heads, tokens, headWidth }: AttentionShape): Operation[] {
  const sizes: ScaledShape = { batch, heads, tokens, headWidth, scale: 1 / Math.sqrt(headWidth) };
  const rows = batch * tokens;
  const width = heads * headWidth;
  const square = [batch, heads, tokens, tokens];
  const shape = `[${[batch, heads, tokens, headWidth].join(', ')}]`;
  return [
    defineOperation({
      op: 'attention',
      shape,
      inputs: { qkv: [rows, 3 * width] },
      outputs: { mixed: [rows, width], probabilities: square },
      candidates: forwardCandidates(sizes),
    }),
    defineOperation({
      op: 'attention, forward and gradient',
      shape,
      inputs: { qkv: [rows, 3 * width], dMixed: [rows, width] },
      outputs: { mixed: [rows, width], dqkv: [rows, 3 * width] },
      candidates: wholeCandidates(sizes),
    }),
    ...attentionGradientOperations(sizes),
  ];
}
