/**
 * Operations that change a pixel by its value alone: each is a table of 256 new values for every channel. Building one costs
 * a few hundred additions, applying it one lookup per byte. Strength 0 is always the identity.
 */
import type { ImageShape } from '@facet/shared';

/** New value of every old value, one table per channel. */
export type Tables = readonly Uint8ClampedArray[];

const VALUES = 256;
/** How much darker or brighter, or poorer or richer in contrast, an image gets at full strength. */
export const ENHANCEMENT = 0.9;
const MAX_POSTERIZED_BITS = 4;

/** Looks every byte up. `source` and `target` may be the same memory. */
export function applyTables(source: Uint8Array, target: Uint8Array, tables: Tables): void {
  const channels = tables.length;
  for (let channel = 0; channel < channels; channel++) {
    const table = tables[channel]!;
    for (let at = channel; at < source.length; at += channels) target[at] = table[source[at]!]!;
  }
}

/** Multiplies by 1 plus a share of the signed strength. */
export function brightness(_source: Uint8Array, { channels }: ImageShape, strength: number): Tables {
  const factor = 1 + ENHANCEMENT * strength;
  return alike(channels, (value) => value * factor);
}

/** Moves every value away from the mean grey, or towards it. */
export function contrast(source: Uint8Array, { channels }: ImageShape, strength: number): Tables {
  const factor = 1 + ENHANCEMENT * strength;
  const mean = meanLuma(source, channels);
  return alike(channels, (value) => mean + (value - mean) * factor);
}

/** Keeps only the upper bits: 8 at strength 0, 4 at full strength. */
export function posterize(_source: Uint8Array, { channels }: ImageShape, strength: number): Tables {
  const dropped = Math.round(MAX_POSTERIZED_BITS * Math.abs(strength));
  return alike(channels, (value) => (value >> dropped) << dropped);
}

/** Inverts what is brighter than a threshold, which falls from 256 at strength 0 to 0. */
export function solarize(_source: Uint8Array, { channels }: ImageShape, strength: number): Tables {
  const threshold = VALUES * (1 - Math.abs(strength));
  return alike(channels, (value) => (value >= threshold ? VALUES - 1 - value : value));
}

/** Stretches every channel to the whole range, by a share that is the strength. */
export function autocontrast(source: Uint8Array, { channels }: ImageShape, strength: number): Tables {
  return perChannel(source, channels, strength, (counts) => {
    const lowest = counts.findIndex((count) => count > 0);
    const span = counts.findLastIndex((count) => count > 0) - lowest;
    return span <= 0 ? undefined : (value) => ((value - lowest) * (VALUES - 1)) / span;
  });
}

/** Makes all values of a channel about equally frequent, by a share that is the strength. */
export function equalize(source: Uint8Array, { channels }: ImageShape, strength: number): Tables {
  return perChannel(source, channels, strength, (counts) => {
    const darkest = counts.find((count) => count > 0) ?? 0;
    const span = source.length / channels - darkest;
    // Values are asked for in order, so the count of what is not brighter grows along.
    let upTo = 0;
    return span <= 0 ? undefined : (value) => (Math.max(0, (upTo += counts[value]!) - darkest) * (VALUES - 1)) / span;
  });
}

function alike(channels: number, valueOf: (value: number) => number): Tables {
  return new Array<Uint8ClampedArray>(channels).fill(tableOf(valueOf));
}

/** A table per channel, from the channel's histogram; `undefined` leaves the channel alone. */
function perChannel(
  source: Uint8Array,
  channels: number,
  strength: number,
  curveOf: (counts: Uint32Array) => ((value: number) => number) | undefined,
): Tables {
  const share = Math.abs(strength);
  return Array.from({ length: channels }, (_, channel) => {
    const counts = new Uint32Array(VALUES);
    for (let at = channel; at < source.length; at += channels) counts[source[at]!]!++;
    const curve = curveOf(counts);
    return tableOf((value) => (curve === undefined ? value : value + share * (curve(value) - value)));
  });
}

/** Asks for the new value of 0, 1, 2, ... in this order. A loop: `from` costs several times as much. */
function tableOf(valueOf: (value: number) => number): Uint8ClampedArray {
  const table = new Uint8ClampedArray(VALUES);
  for (let value = 0; value < VALUES; value++) table[value] = valueOf(value);
  return table;
}

function meanLuma(source: Uint8Array, channels: number): number {
  let sum = 0;
  for (let at = 0; at < source.length; at += channels) sum += luma(source, at, channels);
  return (sum * channels) / source.length;
}

/** Brightness of one pixel, by the weights of ITU-R BT.601; a grey pixel is its own. */
export function luma(source: Uint8Array, at: number, channels: number): number {
  if (channels !== 3) return source[at]!;
  return 0.299 * source[at]! + 0.587 * source[at + 1]! + 0.114 * source[at + 2]!;
}
