/**
 * What an attack may ask of a model. White-box attacks ask for gradients, black-box attacks for logits alone; the model
 * behind it is an engine, or in a test three lines of arithmetic.
 */
import type { ImageShape } from '@facet/shared';
import type { AttackLoss } from '../model/attack-losses.js';

export interface GradientReading {
  /** [count, classes] */
  readonly logits: Float32Array;
  /** [count] */
  readonly losses: Float32Array;
  /** [count, pixels]: the gradient of each sample's own loss by its pixels. */
  readonly gradient: Float32Array;
}

export interface Oracle {
  readonly image: ImageShape;
  readonly classes: number;
  /** @param images [count, channels * height * width], planar, in [0, 1] */
  readonly logits: (images: Float32Array) => Promise<Float32Array>;
  readonly gradient: (images: Float32Array, labels: Uint8Array, loss: AttackLoss) => Promise<GradientReading>;
}

/** The class with the largest logit; of equal ones the first. */
export function answerOf(logits: Float32Array): number {
  let answer = 0;
  for (let c = 1; c < logits.length; c++) if (logits[c]! > logits[answer]!) answer = c;
  return answer;
}

/** The best wrong logit minus the true one: how far a sample is from being misread. */
export function marginOf(logits: Float32Array, label: number): number {
  let best = -Infinity;
  logits.forEach((logit, c) => {
    if (c !== label && logit > best) best = logit;
  });
  return best - logits[label]!;
}
