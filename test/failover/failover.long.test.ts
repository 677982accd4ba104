/** A leader that is killed, and a broker that loses its memory, with real processes: the same bits, and every sample once. */
import { expect, it } from 'vitest';
import { checkLedger } from '@facet/shared';
import { parseJson } from '../testkit/facet.js';
import { CLEAN, contendedRuns } from './contended-run.js';

const given = contendedRuns();

it(
  'a standby takes over from a leader that is killed, and the run ends with the same bits and an exact ledger',
  { timeout: 600_000 },
  async () => {
    const { run, calmSha256 } = given;
    const { leader, standby, workers } = await run.trainFor(8);
    leader.child.kill('SIGKILL');
    const result = parseJson(await standby.done);
    expect(result).toMatchObject({ weightsSha256: calmSha256, ledger: CLEAN, workers: 2 });
    for (const worker of workers) expect(parseJson(await worker.done)).toMatchObject({ outcome: 'finished' });
    expect(checkLedger(await run.readLedger())).toMatchObject({ clean: true });
  },
);

it('goes on when the broker loses the stream of its shards', { timeout: 600_000 }, async () => {
  const { run, calmSha256 } = given;
  const { leader, workers } = await run.trainFor(6);
  await run.deleteStream();
  const result = parseJson(await leader.done);
  expect(result).toMatchObject({ weightsSha256: calmSha256, ledger: CLEAN, workers: 2 });
  for (const worker of workers) expect(parseJson(await worker.done)).toMatchObject({ outcome: 'finished' });
  expect(checkLedger(await run.readLedger())).toMatchObject({ clean: true });
});
