/**
 * A corruption: a name, and what it does to a picture at five severities. What it does to a sample depends on (seed, name,
 * severity, sample id) alone.
 */
import { crc32, randomKey, randomStream, type RandomStream } from '@facet/shared';
import type { Picture } from './picture.js';
import type { Snow } from './weather.js';

export const SEVERITIES = [1, 2, 3, 4, 5] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Corruption {
  readonly name: string;
  /** Whether it is one of the 15 that the benchmark's mean goes over. */
  readonly isStandard: boolean;
  readonly apply: (picture: Picture, severity: Severity, stream: RandomStream) => Picture;
}

/** Applies a corruption to one sample: a function of (seed, name, severity, sample id), cut to [0, 1] and to 8 bits. */
export function corrupt(
  { name, apply }: Corruption,
  picture: Picture,
  { seed, id, severity }: { readonly seed: number; readonly id: number; readonly severity: Severity },
): Picture {
  const word = crc32(new TextEncoder().encode(name));
  const corrupted = apply(picture, severity, randomStream(randomKey('corruption', seed, word, severity, id)));
  const pixels = corrupted.pixels.map((value) => Math.round(Math.min(1, Math.max(0, value)) * 255) / 255);
  return { image: picture.image, pixels };
}

/** One strength for each severity. */
export type Five<T> = readonly [T, T, T, T, T];

type Effect<T> = (picture: Picture, strength: T, stream: RandomStream) => Picture;

/** One of the fifteen. */
export function standard<T>(name: string, strengths: Five<T>, effect: Effect<T>): Corruption {
  return {
    name,
    isStandard: true,
    apply: (picture, severity, stream) => effect(picture, strengths[severity - 1]!, stream),
  };
}

/** One that the benchmark does not count. */
export function extra<T>(name: string, strengths: Five<T>, effect: Effect<T>): Corruption {
  return { ...standard(name, strengths, effect), isStandard: false };
}

/** Five records of two members each. */
export function pairs<A extends string, B extends string>(
  first: A,
  second: B,
  values: Five<readonly [number, number]>,
): Five<Record<A | B, number>> {
  return values.map(([a, b]) => ({ [first]: a, [second]: b })) as unknown as Five<Record<A | B, number>>;
}

/** Five strengths of snow, their members in the order of {@link Snow}. */
export const snowOf = (values: Five<readonly [number, number, number, number, number, number, number]>): Five<Snow> =>
  values.map(([mean, deviation, zoom, threshold, radius, sigma, kept]) => ({
    mean,
    deviation,
    zoom,
    threshold,
    radius,
    sigma,
    kept,
  })) as unknown as Five<Snow>;
