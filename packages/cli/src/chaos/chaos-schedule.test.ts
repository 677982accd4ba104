import { describe, expect, it } from 'vitest';
import { CHAOS_KINDS, chaosFaults, type ChaosFault } from './chaos-schedule.js';

const EVERY_MS = 10_000;

function firstFaults(seed: number, count: number): ChaosFault[] {
  const faults = chaosFaults(seed, EVERY_MS);
  return Array.from({ length: count }, () => faults.next().value);
}

describe('the faults of a chaos run', () => {
  it('are the same for the same seed, and others for another', () => {
    expect(firstFaults(7, 50)).toEqual(firstFaults(7, 50));
    expect(firstFaults(7, 50)).not.toEqual(firstFaults(8, 50));
  });

  it('are of every kind, and come as often as was asked', () => {
    const faults = firstFaults(7, 500);
    expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(CHAOS_KINDS));
    const meanMs = faults.reduce((sum, { afterMs }) => sum + afterMs, 0) / faults.length;
    expect(Math.abs(meanMs - EVERY_MS)).toBeLessThan(0.1 * EVERY_MS);
  });
});
