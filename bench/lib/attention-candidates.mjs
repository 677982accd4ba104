/**
 * Ways to compute multi-head attention from one product's [rows, 3 width], and its gradient. The first candidate of every
 * operation is what the engine does now.
 */
import { alongMixed, attentionGradientOperations, headGradients } from './attention-gradient-candidates.mjs';
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
} from './attention-layouts.mjs';
import { float } from './onnx-graph.mjs';

/** softmax(q k^T * scale) v with the scale on q. */
function mix(g, [q, k, v], scale) {
  const scores = g.op('MatMul', [g.op('Mul', [q, g.scalar(scale)]), transposeLast(g, k)]);
  const probabilities = g.op('Softmax', [scores], { axis: -1 });
  return { mixed: g.op('MatMul', [probabilities, v]), probabilities };
}

/** The same with the scale and the transpose inside the product. */
function mixFused(g, [q, k, v], scale) {
  const scores = g.microsoft('FusedMatMul', [q, k], { transB: 1, alpha: float(scale) });
  const probabilities = g.op('Softmax', [scores], { axis: -1 });
  return { mixed: g.op('MatMul', [probabilities, v]), probabilities };
}

/** Attention of opset 23 on [batch, tokens, width]; its fourth result holds the scores after softmax in mode 3. */
function onnxAttention(g, parts, shape, results) {
  const { heads, scale } = shape;
  return g.op('Attention', parts, {
    q_num_heads: heads,
    kv_num_heads: heads,
    scale: float(scale),
    ...(results[3] === true && { qk_matmul_output_mode: 3 }),
    results,
  });
}

function forwardCandidates(shape) {
  const { heads, scale } = shape;
  const split = { splitAfterTranspose, splitBeforeTranspose };
  const explicit =
    (how, mixBy) =>
    (g, { qkv }) => {
      const { mixed, probabilities } = mixBy(g, split[how](g, qkv, shape), scale);
      return { mixed: join(g, mixed, shape), probabilities };
    };
  return {
    'one Transpose, Slice': explicit('splitAfterTranspose', mix),
    'one Transpose, Slice, FusedMatMul': explicit('splitAfterTranspose', mixFused),
    'Split, Transpose': explicit('splitBeforeTranspose', mix),
    'Split, Transpose, FusedMatMul': explicit('splitBeforeTranspose', mixFused),
    'Attention-23 with probabilities': (g, { qkv }) => {
      const [mixed, , , probabilities] = onnxAttention(g, splitRows(g, qkv, shape), shape, [true, false, false, true]);
      return { mixed: flat(g, mixed, shape), probabilities };
    },
    'Attention-23 on [batch, heads, tokens, width] with probabilities': (g, { qkv }) => {
      const [mixed, , , probabilities] = g.op('Attention', splitAfterTranspose(g, qkv, shape), {
        scale: float(scale),
        qk_matmul_output_mode: 3,
        results: [true, false, false, true],
      });
      return { mixed: join(g, mixed, shape), probabilities };
    },
    'Attention-23 (forward only)': (g, { qkv }) => ({
      mixed: flat(g, onnxAttention(g, splitRows(g, qkv, shape), shape, 1), shape),
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

/** Both passes between the products around them: what one form saves in the forward pass may come back in the gradient. */
function wholeCandidates(shape) {
  const { scale } = shape;
  const gradient = (g, names, joinBy) => {
    const { dq, dk, dv } = headGradients(g, names, scale, names.along ?? alongMixed);
    return joinBy(g, [dq, dk, dv], shape);
  };
  const explicit = (splitBy, joinBy) => (g, names) => {
    const [q, k, v] = splitBy(g, names.qkv, shape);
    const { mixed, probabilities } = mix(g, [q, k, v], scale);
    const dMixed = perHead(g, names.dMixed, shape);
    return {
      mixed: join(g, mixed, shape),
      dqkv: gradient(g, { dMixed, q, k, v, mixed, probabilities }, joinBy),
    };
  };
  // The row sums of dO * O in the layout in which both are: only [batch, tokens, heads, 1] is turned.
  const alongRows = (g, { dMixed, mixed }) => {
    const { batch, heads, tokens, headWidth } = shape;
    const product = g.op('Reshape', [g.op('Mul', [dMixed, mixed]), g.integers([batch, tokens, heads, headWidth])]);
    const sums = g.op('ReduceSum', [product, g.integers([3])], { keepdims: 1 });
    return g.op('Transpose', [sums], { perm: [0, 2, 1, 3] });
  };
  const attention23 = (splitBy, joinBy) => (g, names) => {
    const [wide, , , probabilities] = onnxAttention(g, splitRows(g, names.qkv, shape), shape, [
      true,
      false,
      false,
      true,
    ]);
    const mixed = flat(g, wide, shape);
    const [q, k, v] = splitBy(g, names.qkv, shape);
    const dMixed = perHead(g, names.dMixed, shape);
    const along = () => alongRows(g, { dMixed: names.dMixed, mixed });
    return { mixed, dqkv: gradient(g, { dMixed, q, k, v, probabilities, along }, joinBy) };
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
export function attentionOperations({ batch, heads, tokens, headWidth }) {
  const sizes = { batch, heads, tokens, headWidth, scale: 1 / Math.sqrt(headWidth) };
  const rows = batch * tokens;
  const square = [batch, heads, tokens, tokens];
  const shape = `[${[batch, heads, tokens, headWidth].join(', ')}]`;
  return [
    {
      op: 'attention',
      shape,
      inputs: { qkv: [rows, 3 * heads * headWidth] },
      outputs: { mixed: [rows, heads * headWidth], probabilities: square },
      candidates: forwardCandidates(sizes),
    },
    {
      op: 'attention, forward and gradient',
      shape,
      inputs: { qkv: [rows, 3 * heads * headWidth], dMixed: [rows, heads * headWidth] },
      outputs: { mixed: [rows, heads * headWidth], dqkv: [rows, 3 * heads * headWidth] },
      candidates: wholeCandidates(sizes),
    },
    ...attentionGradientOperations(sizes),
  ];
}
