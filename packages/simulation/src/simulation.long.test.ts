/** The fault promises, over hundreds of schedules that are always the same. simulation.test.ts has the first of them. */
import { describe, it } from 'vitest';
import { expectPromises } from '../test/promises.js';

const SCHEDULES = 300;

describe('a run under faults', () => {
  it(`keeps every promise under ${SCHEDULES} schedules of kills, pauses, cuts and restarts`, { timeout: 300_000 }, () =>
    expectPromises(SCHEDULES),
  );
});
