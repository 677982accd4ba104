import { expect } from 'vitest';
import { openCampaign } from '../src/campaign.js';

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
