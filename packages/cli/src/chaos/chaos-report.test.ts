import { describe, expect, it } from 'vitest';
import type { ChaosEnd } from './chaos-launch.js';
import { CHAOS_KINDS } from './chaos-schedule.js';
import { countFaults, judgeTrial } from './chaos-report.js';

const end: ChaosEnd = { result: undefined, faults: [], violations: ['the coordinator ended'], pids: [] };

describe('the verdict on a chaos run', () => {
  it('names everything that is wrong: the processes, the ledger, the weights, who was left behind', async () => {
    const trial = await judgeTrial({
      run: 'chaos-1-1',
      seconds: 1,
      ledgerFile: '/nowhere/ledger.jsonl',
      end: { ...end, pids: [process.pid] },
      expectedSha256: 'aa',
    });
    expect(trial.violations).toEqual([
      'the coordinator ended',
      'ledger: the ledger is empty',
      'the weights are unknown, without faults aa',
      `process ${process.pid} was left behind`,
    ]);
  });

  it('counts the kinds that did not happen too', () => {
    const fault = { kind: 'kill-broker', afterMs: 1, durationMs: 1, target: 0 } as const;
    const counts = countFaults([fault, fault]);
    expect(Object.keys(counts)).toEqual([...CHAOS_KINDS]);
    expect(counts).toMatchObject({ 'kill-worker': 0, 'mute-worker': 0, 'kill-broker': 2 });
  });
});
