/**
 * What the elementwise operations mean, as functions of float64 numbers. NaN in gives NaN out, except in comparisons, which
 * are false. Booleans are 0 and 1.
 */
import { erf, erfc } from './error-function.js';
import type { BinaryOp, UnaryOp } from './program.js';

export const UNARY_FUNCTIONS: Readonly<Record<UnaryOp, (x: number) => number>> = {
  neg: (x) => -x,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  reciprocal: (x) => 1 / x,
  abs: Math.abs,
  sign: Math.sign,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  erf,
  relu: (x) => Math.max(x, 0),
  // x Phi(x), Phi by the complement: 1 + erf cancels for large negative x.
  gelu: (x) => 0.5 * x * erfc(-x * Math.SQRT1_2),
  sin: Math.sin,
  cos: Math.cos,
};

const truth = (claim: boolean): number => (claim ? 1 : 0);

export const BINARY_FUNCTIONS: Readonly<Record<BinaryOp, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow: power,
  maximum: Math.max,
  minimum: Math.min,
  equal: (a, b) => truth(a === b),
  greater: (a, b) => truth(a > b),
  greaterEqual: (a, b) => truth(a >= b),
  less: (a, b) => truth(a < b),
  lessEqual: (a, b) => truth(a <= b),
};

/** A square and a square root are rounded once, as the nodes are that stand for them after the passes. */
function power(base: number, exponent: number): number {
  if (exponent === 2) return base * base;
  if (exponent === 0.5) return Math.sqrt(base);
  return base ** exponent;
}
