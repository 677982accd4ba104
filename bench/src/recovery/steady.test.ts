import { expect, test } from 'vitest';
import { parseMetrics } from '../run-metrics.js';
import { steadyOf } from './steady.js';

const WORKER = parseMetrics(`# HELP facet_worker_step_duration_seconds Time of a step.
facet_worker_step_duration_seconds_sum 10
facet_worker_step_duration_seconds_count 100
facet_worker_step_part_duration_seconds_sum{part="compute"} 8
facet_worker_step_part_duration_seconds_sum{part="update"} 1.5
`);

test('a step takes 100 ms, a checkpoint every 5 steps makes the two after it 50 ms longer', () => {
  let atMs = 0;
  const commits = Array.from({ length: 20 }, (_, index) => {
    const step = index + 1;
    atMs += step % 5 <= 2 && step > 2 ? 150 : 100;
    return { step, at: new Date(atMs).toISOString() };
  });
  const { stepMs, otherShare, checkpointStall } = steadyOf(commits, [WORKER], 5);
  expect(stepMs).toBe(100);
  expect(otherShare).toBeCloseTo(0.05);
  // Three of five steps, each longer by half of one.
  expect(checkpointStall).toBeCloseTo(0.3);
});
