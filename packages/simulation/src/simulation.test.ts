/**
 * The fault promises, over hundreds of schedules that are always the same. `npm run bench -- simulate` runs as many others
 * as there is time for; the cause of one that fails gets a small test of its own.
 */
import { describe, expect, it } from 'vitest';
import { openCampaign } from './campaign.js';

const SCHEDULES = 300;

describe('a run under faults', () => {
  it(
    `keeps every promise under ${SCHEDULES} schedules of kills, pauses, cuts and restarts`,
    { timeout: 120_000 },
    async () => {
      const campaign = await openCampaign();
      let faults = 0;
      for (let seed = 1; seed <= SCHEDULES; seed++) {
        const { violations, seen } = await campaign.check(seed);
        expect(violations, `npm run bench -- simulate --seed ${seed} --trace`).toEqual([]);
        faults += seen.faults;
      }
      expect(faults).toBeGreaterThan(2 * SCHEDULES);
    },
  );

  it('happens in the same way every time', async () => {
    const campaign = await openCampaign();
    const lines: string[][] = [[], []];
    for (const trace of lines) await campaign.check(5, (line) => trace.push(line));
    expect(lines[0]).toEqual(lines[1]);
    expect(lines[0]?.length).toBeGreaterThan(10);
  });
});
