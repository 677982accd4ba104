/**
 * A standby coordinator with real processes and a real broker: whatever happens to the leader, the run ends with the bits of the
 * undisturbed one, every sample counts once, and a leader that was replaced changes nothing any more.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { checkLedger } from '@facet/shared';
import { parseJson } from '../testkit/facet.js';
import { CLEAN, ContendedRun } from './contended-run.js';

let calmSha256: string;

beforeAll(async () => {
  await using run = await ContendedRun.open();
  calmSha256 = (await run.calm()).weightsSha256;
}, 240_000);

let run: ContendedRun;

beforeEach(async () => {
  run = await ContendedRun.open();
});

afterEach(() => run[Symbol.asyncDispose]());

describe('a standby', () => {
  it(
    'takes over from a leader that is killed, and the run ends with the same bits and an exact ledger',
    { timeout: 600_000 },
    async () => {
      const leader = await run.lead();
      const standby = await run.standBy();
      const workers = await run.startWorkers(leader);
      await run.waitForSteps(8);
      leader.child.kill('SIGKILL');
      const result = parseJson(await standby.done);
      expect(result).toMatchObject({ weightsSha256: calmSha256, ledger: CLEAN, workers: 2 });
      for (const worker of workers) expect(parseJson(await worker.done)).toMatchObject({ outcome: 'finished' });
      expect(checkLedger(await run.readLedger())).toMatchObject({ clean: true });
    },
  );

  // Open: records of generation 1 stand behind the resume record, on an idle machine always. See the issue on faults.
  it.skip(
    'takes over from a leader that is stopped; when that one wakes up it commands nobody, writes nothing and stands by',
    { timeout: 600_000 },
    async () => {
      const leader = await run.lead();
      const standby = await run.standBy();
      const workers = await run.startWorkers(leader);
      await run.waitForSteps(8);
      leader.child.kill('SIGSTOP');
      await run.waitForSuccessor(leader);
      leader.child.kill('SIGCONT');
      const result = parseJson(await standby.done);
      expect(result).toMatchObject({ weightsSha256: calmSha256, ledger: CLEAN, workers: 2 });
      for (const worker of workers) expect(parseJson(await worker.done)).toMatchObject({ outcome: 'finished' });
      const woken = await leader.done;
      expect(woken.stderr).toContain('has lost the lease of the run');
      expect(parseJson(woken)).toMatchObject({ weightsSha256: calmSha256, ledger: CLEAN });
      expect(checkLedger(await run.readLedger())).toMatchObject({ clean: true });
      expect(await run.generationsAfterTakeover()).toSatisfy((found: readonly number[]) => Math.min(...found) > 1_000);
    },
  );
});
