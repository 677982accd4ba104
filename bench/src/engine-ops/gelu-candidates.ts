/**
 * Ways to compute the exact GELU, x Phi(x), and its gradient, dy (Phi(x) + x phi(x)). Every elementwise node is a pass over
 * memory; forms differ in how many there are. The first candidate of every operation is what the engine does now.
 */
import { float, type Graph, type Value } from './onnx-graph.js';
import { defineOperation, type Candidate, type Operation } from './operation.js';

const LOG_SQRT_TWO_PI = Math.log(2 * Math.PI) / 2;
const LOG_SQRT_PI = Math.log(Math.PI) / 2;
const LOG_ERF_SLOPE = Math.log(2 / Math.sqrt(Math.PI));

const scaledInput = (g: Graph, x: Value): Value => g.op('Mul', [x, g.scalar(Math.SQRT1_2)]);

/** Phi from u = x / sqrt 2, as arithmetic. */
const cumulative = (g: Graph, u: Value): Value =>
  g.op('Mul', [g.op('Add', [g.op('Erf', [u]), g.scalar(1)]), g.scalar(0.5)]);

/** Phi in one pass behind Erf: a hard sigmoid only clips what lies outside 0..1, and nothing does. */
const clippedCumulative = (g: Graph, u: Value): Value =>
  g.op('HardSigmoid', [g.op('Erf', [u])], { alpha: float(0.5), beta: float(0.5) });

/** x phi(x) from u: u exp(-u^2 - log sqrt pi). */
const density = (g: Graph, u: Value): Value => {
  const exponent = g.op('Sub', [g.scalar(-LOG_SQRT_PI), g.op('Mul', [u, u])]);
  return g.op('Mul', [u, g.op('Exp', [exponent])]);
};

/** The derivative, as a value to multiply dy by. */
const GRADIENTS: Readonly<Record<string, (g: Graph, x: Value) => Value>> = {
  // (1 + erf(u) + u erf'(u)) / 2
  'slope of erf, 10 passes': (g, x) => {
    const u = scaledInput(g, x);
    const slope = g.op('Exp', [g.op('Sub', [g.scalar(LOG_ERF_SLOPE), g.op('Mul', [u, u])])]);
    const twice = g.op('Add', [g.op('Add', [g.op('Mul', [slope, u]), g.op('Erf', [u])]), g.scalar(1)]);
    return g.op('Mul', [twice, g.scalar(0.5)]);
  },
  'erf, 11 passes': (g, x) => {
    const exponent = g.op('Sub', [g.op('Mul', [g.op('Mul', [x, x]), g.scalar(-0.5)]), g.scalar(LOG_SQRT_TWO_PI)]);
    return g.op('Add', [cumulative(g, scaledInput(g, x)), g.op('Mul', [x, g.op('Exp', [exponent])])]);
  },
  'shared u, 10 passes': (g, x) => {
    const u = scaledInput(g, x);
    return g.op('Add', [cumulative(g, u), density(g, u)]);
  },
  'shared u, HardSigmoid, 9 passes': (g, x) => {
    const u = scaledInput(g, x);
    return g.op('Add', [clippedCumulative(g, u), density(g, u)]);
  },
};

/** Operations on x [rows, width]. */
export function geluOperations({ rows, width }: { rows: number; width: number }): Operation[] {
  const matrix = [rows, width];
  const shape = `[${rows}, ${width}]`;
  const derivatives = Object.entries(GRADIENTS);
  type Gradient = Candidate<'dy' | 'x', 'dx'>;
  const gradients = derivatives.map(([name, of]): [string, Gradient] => [
    name,
    (g, { dy, x }) => ({ dx: g.op('Mul', [dy, of(g, x)]) }),
  ]);
  type Both = Candidate<'dy' | 'x', 'y' | 'dx'>;
  const afterGelu = gradients.map(([name, gradient]): [string, Both] => [
    `Gelu, then ${name}`,
    (g, names) => ({ y: g.op('Gelu', [names.x]), ...gradient(g, names) }),
  ]);
  return [
    defineOperation({
      op: 'GELU',
      shape,
      inputs: { x: matrix },
      outputs: { y: matrix },
      chain: { y: 'x' },
      candidates: {
        Gelu: (g, { x }) => ({ y: g.op('Gelu', [x]) }),
        'com.microsoft Gelu': (g, { x }) => ({ y: g.microsoft('Gelu', [x]) }),
        'erf, 5 passes': (g, { x }) => ({ y: g.op('Mul', [x, cumulative(g, scaledInput(g, x))]) }),
        'erf, HardSigmoid, 4 passes': (g, { x }) => ({ y: g.op('Mul', [x, clippedCumulative(g, scaledInput(g, x))]) }),
        'com.microsoft FastGelu (tanh, another function)': (g, { x }) => ({ y: g.microsoft('FastGelu', [x]) }),
        'com.microsoft QuickGelu (sigmoid, another function)': (g, { x }) => ({ y: g.microsoft('QuickGelu', [x]) }),
      },
    }),
    defineOperation({
      op: 'GELU gradient',
      shape,
      inputs: { dy: matrix, x: matrix },
      outputs: { dx: matrix },
      chain: { dx: 'dy' },
      candidates: Object.fromEntries(gradients),
    }),
    defineOperation({
      // The forward pass may keep more than x for the gradient; only the sum of both is comparable.
      op: 'GELU, forward and gradient',
      shape,
      inputs: { dy: matrix, x: matrix },
      outputs: { y: matrix, dx: matrix },
      chain: { dx: 'dy' },
      candidates: {
        ...Object.fromEntries(afterGelu),
        'no Gelu: erf and u shared, 11 passes': (g, { dy, x }) => {
          const u = scaledInput(g, x);
          const phi = cumulative(g, u);
          return { y: g.op('Mul', [x, phi]), dx: g.op('Mul', [dy, g.op('Add', [phi, density(g, u)])]) };
        },
        'no Gelu: erf and u shared, HardSigmoid, 10 passes': (g, { dy, x }) => {
          const u = scaledInput(g, x);
          const phi = clippedCumulative(g, u);
          return { y: g.op('Mul', [x, phi]), dx: g.op('Mul', [dy, g.op('Add', [phi, density(g, u)])]) };
        },
      },
    }),
  ];
}
