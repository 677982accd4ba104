/**
 * The fault promises, over schedules that are always the same. `npm run bench -- simulate` runs as many others
 * as there is time for; the cause of one that fails gets a small test of its own.
 */
import { describe, expect, it } from 'vitest';
import { expectFreeDrains, expectPromises } from '../test/promises.js';
import { openCampaign } from './campaign.js';
import { simulate } from './simulation.js';
import { createTinyRun } from './tiny-run.js';

/** simulation.long.test.ts has more. */
const SCHEDULES = 30;
const DRAINED_RUNS = 40;

describe('a run under faults', () => {
  it(`keeps every promise under ${SCHEDULES} schedules of kills, pauses, cuts and restarts`, { timeout: 120_000 }, () =>
    expectPromises(SCHEDULES),
  );

  it('costs no fault, no replay and next to no work when workers only leave and join', { timeout: 60_000 }, () =>
    expectFreeDrains(DRAINED_RUNS),
  );

  it.each(['flip-weight', 'flip-moment'] as const)(
    "stops within one step when a bit of one rank's state flips (%s), and names rank and step",
    { timeout: 60_000 },
    async (kind) => {
      const run = createTinyRun({ emaDecay: 0 });
      const expected = await simulate({ run, seed: 0, faults: [] });
      let early = 0;
      for (let seed = 1; seed <= 30; seed++) {
        const afterEvents = 100 + 3 * seed;
        const fault = { kind, afterEvents, durationMs: 0, target: seed / 31, other: (seed % 2) / 2 };
        const { ending, flippedAfter = 0, records } = await simulate({ run, seed, faults: [fault] });
        expect(ending, `seed ${seed}`).toMatchObject({ outcome: 'failed', code: 'DESYNC' });
        const [, named = ''] = /step (\d+)/.exec(ending?.message ?? '') ?? [];
        expect([flippedAfter, flippedAfter + 1], `${seed}: ${ending?.message}`).toContain(Number(named));
        expect(ending?.message).toMatch(/rank \d/);
        const commits = records.filter((record) => record.kind === 'commit');
        expect(commits.at(-1)?.step ?? 0).toBeLessThanOrEqual(flippedAfter + 1);
        const sound = expected.records.filter((record) => record.kind === 'commit');
        if (commits.every(({ step, weightsCrc }) => sound[step - 1]?.weightsCrc === weightsCrc)) early += 1;
      }
      expect(early).toBeGreaterThan(15);
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
