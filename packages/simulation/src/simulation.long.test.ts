/** The fault promises, over hundreds of schedules that are always the same. simulation.test.ts has the first of them. */
import { describe, it } from 'vitest';
import { expectFreeDrains, expectPromises } from '../test/promises.js';

const SCHEDULES = 300;
const DRAINED_RUNS = 120;

describe('a run under faults', () => {
  it(`keeps every promise under ${SCHEDULES} schedules of kills, pauses, cuts and restarts`, { timeout: 300_000 }, () =>
    expectPromises(SCHEDULES),
  );

  it('costs no fault, no replay and next to no work when workers only leave and join', { timeout: 300_000 }, () =>
    expectFreeDrains(DRAINED_RUNS),
  );
});
