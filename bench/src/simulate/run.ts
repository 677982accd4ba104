/** Counts what it ran and names the seeds that broke a promise; any of them makes it fail. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openCampaign } from '@facet/simulation';
import type { Run } from '../bench.js';
import { round } from '../figures.js';
import type { SimulateFigures, SimulateOptions, SimulateRow } from './definition.js';

const MICROSECONDS = 1e6;
const MS_PER_HOUR = 3_600_000;
const MOST_SHOWN = 20;

export const runSimulate: Run<SimulateOptions, SimulateRow, SimulateFigures, Record<string, never>> = async (
  { schedules, from, seed: only, trace },
  { signal, say },
) => {
  const first = only ?? from;
  const count = only === undefined ? schedules : 1;
  const campaign = await openCampaign();
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const rows: SimulateRow[] = [];
  let [failed, faults, virtualMs] = [0, 0, 0];
  for (let seed = first; seed < first + count; seed++) {
    await nextTurn();
    signal.throwIfAborted();
    const { violations, seen } = await campaign.check(seed, trace ? say : undefined);
    faults += seen.faults;
    virtualMs += seen.virtualMs;
    if (violations.length === 0) continue;
    failed += 1;
    if (rows.length < MOST_SHOWN) rows.push({ seed, violations: [...violations] });
    say(`seed ${seed}: ${violations.join('\n  ')}`);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const advice = `see one with: npm run bench -- simulate --seed ${rows[0]?.seed} --trace`;
  return {
    rows,
    figures: {
      schedules: count,
      firstSeed: first,
      faults,
      failed,
      seconds: (performance.now() - startedAt) / 1_000,
      schedulesPerCpuSecond: round(count / ((user + system) / MICROSECONDS)),
      virtualHours: virtualMs / MS_PER_HOUR,
    },
    ratios: {},
    failures: failed === 0 ? [] : [`${failed} schedules broke a promise; ${advice}`],
  };
};
