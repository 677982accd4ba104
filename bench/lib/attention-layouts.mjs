/**
 * The layouts of attention in ONNX graphs: a product of all heads [rows, 3 width], and one matrix per head.
 */

/** [rows, 3 width] as three tensors [batch, heads, tokens, headWidth], by one transpose and three slices. */
export function splitAfterTranspose(g, qkv, { batch, heads, tokens, headWidth }) {
  const wide = g.op('Reshape', [qkv, g.integers([batch, tokens, 3, heads, headWidth])]);
  const turned = g.op('Transpose', [wide], { perm: [2, 0, 3, 1, 4] });
  return [0, 1, 2].map((index) => {
    const part = g.op('Slice', [turned, g.integers([index]), g.integers([index + 1]), g.integers([0])]);
    return g.op('Reshape', [part, g.integers([batch, heads, tokens, headWidth])]);
  });
}

/** The same by one split and three transposes. */
export function splitBeforeTranspose(g, qkv, shape) {
  const { batch, heads, tokens, headWidth } = shape;
  return splitRows(g, qkv, shape).map((part) =>
    g.op('Transpose', [g.op('Reshape', [part, g.integers([batch, tokens, heads, headWidth])])], { perm: [0, 2, 1, 3] }),
  );
}

/** Three tensors [batch, tokens, width]. */
export function splitRows(g, qkv, { batch, heads, tokens, headWidth }) {
  const width = heads * headWidth;
  const sizes = g.integers([width, width, width]);
  const wide = g.op('Reshape', [qkv, g.integers([batch, tokens, 3 * width])]);
  return g.op('Split', [wide, sizes], { axis: 2, results: 3 });
}

/** [..., a, b] -> [..., b, a] of four dimensions. */
export const transposeLast = (g, x) => g.op('Transpose', [x], { perm: [0, 1, 3, 2] });

/** [batch, heads, tokens, headWidth] -> [rows, width], by a transpose. */
export function join(g, mixed, { batch, heads, tokens, headWidth }) {
  const turned = g.op('Transpose', [mixed], { perm: [0, 2, 1, 3] });
  return g.op('Reshape', [turned, g.integers([batch * tokens, heads * headWidth])]);
}

/** [batch, tokens, width] -> [rows, width]. */
export const flat = (g, mixed, { batch, tokens, heads, headWidth }) =>
  g.op('Reshape', [mixed, g.integers([batch * tokens, heads * headWidth])]);

/** [rows, width] -> [batch, heads, tokens, headWidth]. */
export function perHead(g, x, { batch, heads, tokens, headWidth }) {
  const wide = g.op('Reshape', [x, g.integers([batch, tokens, heads, headWidth])]);
  return g.op('Transpose', [wide], { perm: [0, 2, 1, 3] });
}

/** Three gradients [batch, heads, tokens, headWidth] -> [rows, 3 width], the reverse of `splitAfterTranspose`. */
export function joinByOneTranspose(g, parts, { batch, heads, tokens, headWidth }) {
  const one = g.integers([1, batch, heads, tokens, headWidth]);
  const stacked = g.op(
    'Concat',
    parts.map((part) => g.op('Reshape', [part, one])),
    { axis: 0 },
  );
  const turned = g.op('Transpose', [stacked], { perm: [1, 3, 0, 2, 4] });
  return g.op('Reshape', [turned, g.integers([batch * tokens, 3 * heads * headWidth])]);
}

/** The same by three transposes. */
export function joinByThreeTransposes(g, parts, shape) {
  return g.op(
    'Concat',
    parts.map((part) => join(g, part, shape)),
    { axis: 1 },
  );
}
