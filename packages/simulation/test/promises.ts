import { expect } from 'vitest';
import { openCampaign } from '../src/campaign.js';
import { drawFaults, type FaultKind } from '../src/fault-schedule.js';
import { simulate } from '../src/simulation.js';
import { createTinyRun } from '../src/tiny-run.js';
import { findViolations } from '../src/verdict.js';

/** Nobody dies of these. */
const LEAVES: readonly FaultKind[] = ['drain-worker', 'drain-all'];
const LEAVES_AND_HAND_OVERS: readonly FaultKind[] = [...LEAVES, 'hand-over-coordinator'];

/** Expects that every promise holds under the first so many schedules, and that they were no idle ones. */
export async function expectPromises(schedules: number): Promise<void> {
  const campaign = await openCampaign();
  let faults = 0;
  for (let seed = 1; seed <= schedules; seed++) {
    const { violations, seen } = await campaign.check(seed);
    expect(violations, `npm run bench -- simulate --seed ${seed} --trace`).toEqual([]);
    faults += seen.faults;
  }
  expect(faults).toBeGreaterThan(2 * schedules);
}

/**
 * Expects that runs whose workers only leave and join cost no fault, no replay and next to no work. Chance decides of a few
 * runs: about one of 50 wastes a gradient. A coordinator that hands over gives up the step that is under way, and no other.
 */
export async function expectFreeDrains(runs: number): Promise<void> {
  const run = createTinyRun({ emaDecay: 0 });
  const expected = await simulate({ run, seed: 0, faults: [] });
  let leaves = 0;
  let wasted = 0;
  for (let seed = 1; seed <= runs; seed++) {
    const isHandedOver = seed % 2 === 0;
    const faults = drawFaults(seed, isHandedOver ? LEAVES_AND_HAND_OVERS : LEAVES);
    const seen = await simulate({ run, seed, faults });
    expect(findViolations(seen, expected), `seed ${seed}`).toEqual([]);
    const kinds = seen.records.map(({ kind }) => kind);
    expect(
      kinds.filter((kind) => kind === 'fault' || kind === 'replay'),
      `seed ${seed}`,
    ).toEqual([]);
    leaves += kinds.filter((kind) => kind === 'leave').length;
    if (!isHandedOver) wasted += seen.gradients - expected.gradients;
  }
  expect(leaves).toBeGreaterThan(runs);
  // A message that takes as long as a lost packet may find a member in the step after the last one.
  expect(wasted).toBeLessThanOrEqual((runs * expected.gradients) / 1_000);
}
