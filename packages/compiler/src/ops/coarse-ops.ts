/**
 * Coarse operations: the parts of the model that are worth one node in a captured program. Each is written once, as a plain
 * composition of tfjs operations. On the capturing backend a call records one node instead; `lower` later replaces the nodes
 * that an engine has no kernel for by the captured composition. Gradients are coarse operations themselves, so nothing is
 * differentiated twice. Compositions consume nothing and never call another coarse operation.
 */
import * as tf from '@tensorflow/tfjs';
import type { CoarseOp, ValueType } from '../program/program.js';
import { CAPTURE_BACKEND } from './backend-name.js';

export type CoarseKind = CoarseOp['kind'];

export interface CoarseDefinition<Kind extends CoarseKind> {
  /** The operation in terms of tfjs. */
  readonly compose: (inputs: readonly tf.Tensor[], op: Extract<CoarseOp, { kind: Kind }>) => tf.Tensor[];
  /** Shapes of the results. */
  readonly shapes: (
    inputs: readonly (readonly number[])[],
    op: Extract<CoarseOp, { kind: Kind }>,
  ) => (readonly number[])[];
}

const matrices = (tensors: readonly tf.Tensor[]): tf.Tensor2D[] => tensors as tf.Tensor2D[];

/** erf'(0) = 2 / sqrt(pi) as a power of e, so that erf'(u) is one exponential and no product. */
const LOG_ERF_SLOPE = Math.log(2 / Math.sqrt(Math.PI));

/** Sums over rows, as a product with ones: onnxruntime multiplies faster than it reduces (bench/engine-ops). */
function columnSums(x: tf.Tensor2D): tf.Tensor1D {
  return tf.matMul(tf.ones([1, x.shape[0]]), x).reshape([x.shape[1]]);
}

/** Every coarse operation; the comments in program.ts name their inputs and results. */
export const COARSE_OPS: { readonly [Kind in CoarseKind]: CoarseDefinition<Kind> } = {
  linear: {
    compose(inputs) {
      const [x, weight, bias] = matrices(inputs);
      return [tf.matMul(x!, weight!).add(bias!)];
    },
    shapes: ([x, weight]) => [[x![0]!, weight![1]!]],
  },
  linearGradient: {
    compose(inputs) {
      const [dy, x, weight] = matrices(inputs);
      return [tf.matMul(dy!, weight!, false, true), tf.matMul(x!, dy!, true, false), columnSums(dy!)];
    },
    shapes: ([dy, x, weight]) => [x!, weight!, [dy![1]!]],
  },
  geluGradient: {
    compose([dy, x]) {
      // d/dx x Phi(x) = Phi(x) + x phi(x) = (1 + erf(u) + 2 / sqrt(pi) u exp(-u^2)) / 2 with u = x / sqrt(2).
      const u = x!.mul(Math.SQRT1_2);
      const slope = tf.scalar(LOG_ERF_SLOPE).sub(u.square()).exp(); // erf'(u)
      return [slope.mul(u).add(u.erf()).add(1).mul(0.5).mul(dy!)];
    },
    shapes: ([dy]) => [dy!],
  },
  layerNormGradient: {
    compose(inputs) {
      const [dy, x, gain, mean, reciprocalDeviation] = inputs as [
        tf.Tensor2D,
        tf.Tensor2D,
        tf.Tensor1D,
        tf.Tensor2D,
        tf.Tensor2D,
      ];
      const normalised = x.sub(mean).mul(reciprocalDeviation);
      const weighted = dy.mul<tf.Tensor2D>(normalised);
      // mean(gain * v) along each row is the product of v with gain / width.
      const column = gain.mul(1 / gain.size).expandDims<tf.Tensor2D>(1);
      const along = normalised.mul(tf.matMul(weighted, column));
      const dx = dy.mul(gain).sub(tf.matMul(dy, column)).sub(along).mul(reciprocalDeviation);
      return [dx, columnSums(weighted), columnSums(dy)];
    },
    shapes: ([, x, gain]) => [x!, gain!, gain!],
  },
  attention: {
    compose(inputs, { scale, hasBias }) {
      const [query, key, value, bias] = inputs as tf.Tensor4D[];
      const scores = tf.matMul(query!.mul(scale), key!, false, true);
      const probabilities = tf.softmax(hasBias ? scores.add(bias!) : scores);
      return [tf.matMul(probabilities, value!), probabilities];
    },
    shapes: ([query, key, value]) => [
      [...query!.slice(0, -1), value!.at(-1)!],
      [...query!.slice(0, -1), key!.at(-2)!],
    ],
  },
  attentionGradient: {
    compose(inputs, { scale, hasBias }) {
      const [dMixed, query, key, value, mixed, probabilities] = inputs as tf.Tensor4D[];
      const dValue = tf.matMul(probabilities!, dMixed!, true, false);
      // sum_j P_ij dP_ij = dO_i . O_i, a sum over the width of a head instead of over all tokens (Dao et al. 2022, appendix B).
      const along = dMixed!.mul(mixed!).sum(-1, true);
      const dScores = tf.matMul(dMixed!, value!, false, true).sub(along).mul<tf.Tensor4D>(probabilities!);
      const dQuery = tf.matMul(dScores, key!).mul(scale);
      const dKey = tf.matMul(dScores, query!, true, false).mul(scale);
      if (!hasBias) return [dQuery, dKey, dValue];
      const [batch, ...biasShape] = dScores.shape;
      return [dQuery, dKey, dValue, columnSums(dScores.reshape([batch, -1])).reshape(biasShape)];
    },
    shapes: ([, query, key, value, , probabilities], { hasBias }) => [
      query!,
      key!,
      value!,
      ...(hasBias ? [probabilities!.slice(1)] : []),
    ],
  },
  crossEntropy: {
    compose(inputs, { labelSmoothing }) {
      const [logits, targets, sampleWeights] = inputs as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
      const logProbabilities = tf.logSoftmax(logits);
      const losses = logProbabilities.mul(smoothed(targets, labelSmoothing)).sum(1).neg().mul(sampleWeights);
      return [losses, logProbabilities.exp()];
    },
    shapes: ([logits]) => [[logits![0]!], logits!],
  },
  crossEntropyGradient: {
    compose(inputs, { labelSmoothing }) {
      const [dLosses, targets, sampleWeights, probabilities] = inputs as [
        tf.Tensor1D,
        tf.Tensor2D,
        tf.Tensor1D,
        tf.Tensor2D,
      ];
      const weights = dLosses.mul(sampleWeights).expandDims(1);
      return [probabilities.sub(smoothed(targets, labelSmoothing)).mul(weights)];
    },
    shapes: ([, targets]) => [targets!],
  },
};

function smoothed(targets: tf.Tensor2D, labelSmoothing: number): tf.Tensor2D {
  return targets.mul(1 - labelSmoothing).add(labelSmoothing / targets.shape[1]);
}

/** The name under which a coarse operation is registered as a kernel of the capturing backend. */
export function coarseKernelName(kind: CoarseKind): string {
  return `Facet:${kind}`;
}

/** The result types of a coarse operation, all of them float32. */
export function coarseResultTypes<Kind extends CoarseKind>(
  op: Extract<CoarseOp, { kind: Kind }>,
  inputs: readonly ValueType[],
): ValueType[] {
  const definition: CoarseDefinition<Kind> = COARSE_OPS[op.kind];
  const shapes = definition.shapes(
    inputs.map(({ shape }) => shape),
    op,
  );
  return shapes.map((shape) => ({ shape: [...shape], dtype: 'float32' as const }));
}

/** Runs the composition of a coarse operation on the current backend. */
export function composeCoarse<Kind extends CoarseKind>(
  op: Extract<CoarseOp, { kind: Kind }>,
  inputs: readonly tf.Tensor[],
): tf.Tensor[] {
  const definition: CoarseDefinition<Kind> = COARSE_OPS[op.kind];
  return definition.compose(inputs, op);
}

/** Calls a coarse operation: one node while a program is captured, its composition everywhere else. */
export function callCoarse<Kind extends CoarseKind>(
  op: Extract<CoarseOp, { kind: Kind }>,
  inputs: readonly tf.Tensor[],
): tf.Tensor[] {
  if (tf.getBackend() !== CAPTURE_BACKEND) return composeCoarse(op, inputs);
  const named = Object.fromEntries(inputs.map((tensor, i) => [`input${i}`, tensor]));
  const results: tf.Tensor | tf.Tensor[] = tf.engine().runKernel(coarseKernelName(op.kind), named, { ...op });
  return Array.isArray(results) ? results : [results];
}
