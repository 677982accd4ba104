/**
 * The threat: how far an attack may move an image. Everything here works on one image at a time, in place; a projected
 * image lies inside the ball around its origin and inside [0, 1], up to the rounding of float32.
 */
import type { RandomStream } from '@facet/shared';
import type { Norm } from '../config/adversarial-schema.js';

export interface Threat {
  readonly norm: Norm;
  /** In units of pixels in [0, 1]. */
  readonly eps: number;
}

/** The Euclidean length. */
export function lengthOf(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum);
}

/** How far `image` is from `origin`. */
export function distanceOf(image: Float32Array, origin: Float32Array, norm: Norm): number {
  const moved = image.map((pixel, i) => pixel - origin[i]!);
  return norm === 'l2' ? lengthOf(moved) : moved.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}

/**
 * Moves an image into the ball around its origin and into [0, 1]. The box comes last and cannot leave the ball: the origin
 * is inside both, so clamping only ever brings a pixel nearer to it.
 */
export function project(image: Float32Array, origin: Float32Array, { norm, eps }: Threat): void {
  const shrink = norm === 'l2' ? Math.min(1, eps / Math.max(distanceOf(image, origin, 'l2'), Number.MIN_VALUE)) : 1;
  for (let i = 0; i < image.length; i++) {
    const moved = (image[i]! - origin[i]!) * shrink;
    const kept = norm === 'l2' ? moved : Math.min(eps, Math.max(-eps, moved));
    image[i] = Math.min(1, Math.max(0, origin[i]! + kept));
  }
}

/** Takes the steepest step of the norm's ball: the sign of the gradient, or its direction. A gradient of zero moves nothing. */
export function ascend(image: Float32Array, gradient: Float32Array, stepSize: number, norm: Norm): void {
  if (norm === 'linf') {
    for (let i = 0; i < image.length; i++) image[i]! += stepSize * Math.sign(gradient[i]!);
    return;
  }
  // The largest element first: squares of tiny gradients underflow.
  const largest = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return;
  const scaled = gradient.map((value) => value / largest);
  const length = lengthOf(scaled);
  for (let i = 0; i < image.length; i++) image[i]! += (stepSize * scaled[i]!) / length;
}

/** Writes a uniformly random point of the ball (of its part inside [0, 1] by projection) into `image`. */
export function startAtRandom(image: Float32Array, origin: Float32Array, threat: Threat, stream: RandomStream): void {
  const { norm, eps } = threat;
  if (norm === 'linf') {
    for (let i = 0; i < image.length; i++) image[i] = origin[i]! + eps * (2 * stream.nextUniform() - 1);
  } else {
    const direction = Float32Array.from(image, () => stream.nextNormal());
    const radius = (eps * stream.nextUniform() ** (1 / image.length)) / lengthOf(direction);
    for (let i = 0; i < image.length; i++) image[i] = origin[i]! + radius * direction[i]!;
  }
  project(image, origin, threat);
}
