/**
 * The layouts of attention in ONNX graphs: a product of all heads [rows, 3 width], and one matrix per head.
 */
import type { Graph, Value } from './onnx-graph.js';

export interface AttentionShape {
  readonly batch: number;
  readonly heads: number;
  readonly tokens: number;
  readonly headWidth: number;
}

/** Query, key and value, or their gradients. */
export type Three = readonly [Value, Value, Value];

/** [rows, 3 width] as three tensors [batch, heads, tokens, headWidth], by one transpose and three slices. */
export function splitAfterTranspose(g: Graph, qkv: Value, { batch, heads, tokens, headWidth }: AttentionShape): Three {
  const wide = g.op('Reshape', [qkv, g.integers([batch, tokens, 3, heads, headWidth])]);
  const turned = g.op('Transpose', [wide], { perm: [2, 0, 3, 1, 4] });
  const part = (index: number): Value => {
    const slice = g.op('Slice', [turned, g.integers([index]), g.integers([index + 1]), g.integers([0])]);
    return g.op('Reshape', [slice, g.integers([batch, heads, tokens, headWidth])]);
  };
  return [part(0), part(1), part(2)];
}

/** The same by one split and three transposes. */
export function splitBeforeTranspose(g: Graph, qkv: Value, shape: AttentionShape): Three {
  const [query, key, value] = splitRows(g, qkv, shape);
  return [perHead(g, query, shape), perHead(g, key, shape), perHead(g, value, shape)];
}

/** Three tensors [batch, tokens, width]. */
export function splitRows(g: Graph, qkv: Value, { batch, heads, tokens, headWidth }: AttentionShape): Three {
  const width = heads * headWidth;
  const sizes = g.integers([width, width, width]);
  const wide = g.op('Reshape', [qkv, g.integers([batch, tokens, 3 * width])]);
  return g.opWithResults('Split', [wide, sizes], [true, true, true], { axis: 2 }) as [Value, Value, Value];
}

/** [..., a, b] -> [..., b, a] of four dimensions. */
export const transposeLast = (g: Graph, x: Value): Value => g.op('Transpose', [x], { perm: [0, 1, 3, 2] });

/** [batch, heads, tokens, headWidth] -> [rows, width], by a transpose. */
export function join(g: Graph, mixed: Value, { batch, heads, tokens, headWidth }: AttentionShape): Value {
  const turned = g.op('Transpose', [mixed], { perm: [0, 2, 1, 3] });
  return g.op('Reshape', [turned, g.integers([batch * tokens, heads * headWidth])]);
}

/** [batch, tokens, width] -> [rows, width]. */
export const flat = (g: Graph, mixed: Value, { batch, tokens, heads, headWidth }: AttentionShape): Value =>
  g.op('Reshape', [mixed, g.integers([batch * tokens, heads * headWidth])]);

/** [rows, width] -> [batch, heads, tokens, headWidth]. */
export function perHead(g: Graph, x: Value, { batch, heads, tokens, headWidth }: AttentionShape): Value {
  const wide = g.op('Reshape', [x, g.integers([batch, tokens, heads, headWidth])]);
  return g.op('Transpose', [wide], { perm: [0, 2, 1, 3] });
}

/** Three gradients [batch, heads, tokens, headWidth] -> [rows, 3 width], the reverse of `splitAfterTranspose`. */
export function joinByOneTranspose(g: Graph, parts: Three, { batch, heads, tokens, headWidth }: AttentionShape): Value {
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
export function joinByThreeTransposes(g: Graph, parts: Three, shape: AttentionShape): Value {
  return g.op(
    'Concat',
    parts.map((part) => join(g, part, shape)),
    { axis: 1 },
  );
}
