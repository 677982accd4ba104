/**
 * A machine that is busy: its workers pause, now and then, for longer and longer. That costs no fault, because what the
 * coordinator allows follows what it has measured. A worker that is frozen is excluded all the same.
 */
import { OPERATION_DEFAULTS, randomKey, randomStream } from '@facet/shared';
import { expect, it } from 'vitest';
import type { Fault } from './fault-schedule.js';
import { simulate, type Observation } from './simulation.js';
import { createTinyRun, type TinyRun } from './tiny-run.js';
import { findViolations } from './verdict.js';

const tiny = createTinyRun({ emaDecay: 0 });
/** As they are by default: a peer waits longer for a contribution than the coordinator for a heartbeat. */
const { heartbeatMs, stepMs } = OPERATION_DEFAULTS.timeouts;
const run: TinyRun = {
  ...tiny,
  config: { ...tiny.config, timeouts: { ...tiny.config.timeouts, heartbeatMs, stepMs } },
};
/** As shares of the allowed silence of a quiet machine: the later ones would each be a fault there. */
const PAUSES = [0.4, 0.7, 1.1, 1.4, 1.6, 1.9, 1.8, 1.5];
const SEEDS = 25;

/** Events until all workers are ready. */
const START_EVENTS = 120;

/** Pauses of one worker after the other, some events apart. */
function pauses(seed: number, shares: readonly number[]): Fault[] {
  const random = randomStream(randomKey('simulation', seed, 2));
  const { count } = run.config.workers;
  return shares.map((share, index) => ({
    kind: 'pause-worker',
    afterEvents: (index === 0 ? START_EVENTS : 0) + 20 + random.nextBelow(40),
    durationMs: share * heartbeatMs,
    target: (index % count) / count,
    other: 0,
  }));
}

const faultsOf = ({ records }: Observation): string[] =>
  records.flatMap((record) => (record.kind === 'fault' ? [record.message] : []));

it(
  'costs no fault while workers pause for up to twice of what a quiet machine allows',
  { timeout: 60_000 },
  async () => {
    const expected = await simulate({ run, seed: 0, faults: [] });
    let happened = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const seen = await simulate({ run, seed, faults: pauses(seed, PAUSES) });
      expect(findViolations(seen, expected), `seed ${seed}`).toEqual([]);
      expect(faultsOf(seen), `seed ${seed}`).toEqual([]);
      happened += seen.faults;
    }
    // Runs that end before the last pauses show nothing.
    expect(happened).toBeGreaterThan(0.8 * SEEDS * PAUSES.length);
  },
);

it('costs one fault when a worker freezes on a busy machine, and the run goes on', { timeout: 60_000 }, async () => {
  const expected = await simulate({ run, seed: 0, faults: [] });
  for (let seed = 1; seed <= SEEDS; seed++) {
    const seen = await simulate({ run, seed, faults: pauses(seed, [0.4, 0.7, 1.1, 1.4, 30]) });
    expect(findViolations(seen, expected), `seed ${seed}`).toEqual([]);
    const [first = ''] = faultsOf(seen);
    expect(first, `seed ${seed}`).toMatch(/^worker w\d was silent for \d{4} ms, allowed are \d{4} ms$/);
  }
});
