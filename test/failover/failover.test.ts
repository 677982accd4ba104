/**
 * A standby coordinator with real processes and a real broker: whatever happens to the leader, the run ends with the bits of the
 * undisturbed one, every sample counts once, and a leader that was replaced changes nothing any more.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLedger } from '@facet/shared';
import { parseJson } from '../testkit/facet.js';
import { CLEAN, ContendedRun } from './contended-run.js';

let calmSha256: string;

beforeAll(async () => {
  await using run = await ContendedRun.open();
  calmSha256 = (await run.calm()).weightsSha256;
}, 240_000);

let run: ContendedRun;

afterAll(() => run[Symbol.asyncDispose]());

describe('a standby', () => {
  it(
    'takes over from a leader that is killed, and the run ends with the same bits and an exact ledger',
    { timeout: 400_000 },
    async () => {
      run = await ContendedRun.open();
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
});
