import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ChaosEnd } from './chaos-launch.js';
import { CHAOS_KINDS } from './chaos-schedule.js';
import { countFaults, judgeTrial } from './chaos-report.js';

/** Larger than any process id that Linux gives out. */
const GONE = 2 ** 30;

const end: ChaosEnd = {
  result: undefined,
  ledgerFile: '/nowhere/ledger.jsonl',
  storedLedger: '/nowhere/stored/ledger.jsonl',
  faults: [],
  violations: ['the coordinator ended'],
  pids: [],
};

describe('the verdict on a chaos run', () => {
  it('names everything that is wrong: the processes, the ledger, the weights, who was left behind', async () => {
    // The leader of a group is gone, and what it started lives.
    const leader = spawn('sh', ['-c', 'sleep 30 & exit'], { detached: true, stdio: 'ignore' });
    await once(leader, 'exit');
    const pid = leader.pid!;
    onTestFinished(() => void process.kill(-pid, 'SIGKILL'));
    const trial = await judgeTrial({
      run: 'chaos-1-1',
      seconds: 1,
      end: { ...end, pids: [pid, GONE] },
      expectedSha256: 'aa',
      graceMs: 100,
    });
    expect(trial.violations).toEqual([
      'the coordinator ended',
      expect.stringContaining('ledger: ENOENT: no such file or directory'),
      expect.stringContaining('ledger in the store: ENOENT'),
      'the weights are unknown, without faults aa',
      `process group ${pid} was left behind`,
    ]);
  });

  it('counts the kinds that did not happen too', () => {
    const fault = { kind: 'kill-broker', afterMs: 1, durationMs: 1, target: 0 } as const;
    const counts = countFaults([fault, fault]);
    expect(Object.keys(counts)).toEqual([...CHAOS_KINDS]);
    expect(counts).toMatchObject({ 'kill-worker': 0, 'mute-worker': 0, 'kill-broker': 2 });
  });
});
