/**
 * A standby coordinator with real processes and a real broker: whatever happens to the leader, the run ends with the bits of the
 * undisturbed one, every sample counts once, and a leader that was replaced changes nothing any more. A leader that is
 * killed: other-disk.long.test.ts, and failover.long.test.ts.
 */
import { describe, expect, it } from 'vitest';
import { checkLedger } from '@facet/shared';
import { parseJson } from '../testkit/facet.js';
import { CLEAN, contendedRuns } from './contended-run.js';

const given = contendedRuns();

describe('a standby', () => {
  it(
    'takes over from a leader that is stopped; when that one wakes up it commands nobody, writes nothing and stands by',
    { timeout: 600_000 },
    async () => {
      const { run, calmSha256 } = given;
      const { leader, standby, workers } = await run.trainFor(8);
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
      const { before, after } = await run.generations();
      // Steps that the workers went on to do come first, of the generation that did them; nothing else is of the old leader.
      const adopted = after.filter((generation) => generation <= 1_000);
      expect(new Set([...before, ...adopted])).toEqual(new Set(before));
      expect(after).toEqual(after.toSorted((a, b) => a - b));
      expect(after.at(-1)).toBeGreaterThan(1_000);
    },
  );
});
