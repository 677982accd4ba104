// `npm run bench -- simulate [--schedules N] [--from SEED] [--seed SEED [--trace]] [--json]`: fault schedules against the real
// state machines, in virtual time. It counts what it ran and prints the seeds that broke a promise; any of them makes it fail.

import { parseArgs } from 'node:util';
import { openCampaign } from '../packages/simulation/dist/index.js';

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const MICROSECONDS = 1e6;
const MOST_SHOWN = 20;

const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.schedules) : 1;
const campaign = await openCampaign();
const startedAt = performance.now();
const cpuBefore = process.cpuUsage();
const failures = [];
let failed = 0;
let faults = 0;
let virtualMs = 0;
for (let seed = first; seed < first + count; seed++) {
  const { violations, seen } = await campaign.check(seed, values.trace ? console.log : undefined);
  faults += seen.faults;
  virtualMs += seen.virtualMs;
  if (violations.length === 0) continue;
  failed += 1;
  if (failures.length < MOST_SHOWN) failures.push({ seed, violations });
  if (!values.json) console.log(`seed ${seed}: ${violations.join('\n  ')}`);
}
const { user, system } = process.cpuUsage(cpuBefore);
const result = {
  schedules: count,
  firstSeed: first,
  faults,
  failed,
  failures,
  seconds: (performance.now() - startedAt) / 1_000,
  schedulesPerCpuSecond: count / ((user + system) / MICROSECONDS),
  virtualHours: virtualMs / 3_600_000,
};
console.log(values.json ? JSON.stringify(result) : result);
if (failed > 0) {
  console.error(
    `${failed} schedules broke a promise; see one with: npm run bench -- simulate --seed ${failures[0].seed} --trace`,
  );
  process.exitCode = 1;
}
