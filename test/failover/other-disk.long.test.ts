/**
 * Leader and standby without a common disk: the run lives in a store. Whoever is killed, and wherever the run goes on, it ends with
 * the bits of the undisturbed one and an exact ledger.
 */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkLedger } from '@facet/shared';
import { describeWithS3 } from '../../packages/storage/test/s3-server.js';
import { parseJson } from '../testkit/facet.js';
import { CLEAN, ContendedRun, type SharedStore } from './contended-run.js';

const NATS: SharedStore = { place: ({ url }) => url.replace(/\/$/, '') };
const TIMEOUT = { timeout: 600_000 };

let calmSha256: string;

beforeAll(async () => {
  await using run = await ContendedRun.open();
  calmSha256 = (await run.calm()).weightsSha256;
}, 240_000);

/** The leader is killed and its disk is lost; the standby goes on with an empty one. */
async function killAndFollow(run: ContendedRun): Promise<void> {
  const { leader, standby, workers } = await run.trainFor(8);
  leader.child.kill('SIGKILL');
  await leader.done;
  await rm(run.workspace.runs, { recursive: true });
  const result = parseJson(await standby.done);
  expect(result).toMatchObject({ weightsSha256: calmSha256, ledger: CLEAN, workers: 2 });
  for (const worker of workers) expect(parseJson(await worker.done)).toMatchObject({ outcome: 'finished' });
  expect(checkLedger(await run.readLedger())).toMatchObject({ clean: true });
}

/** What commands of a third machine say of the run. */
async function readByPlace(run: ContendedRun): Promise<void> {
  const { place, workspace } = run;
  const env = { ...run.storeEnv, FACET_RUNS: path.join(workspace.folder, 'third') };
  const checked = parseJson(await workspace.run(['ledger', 'check', place, '--json'], env));
  expect(checked).toMatchObject({ clean: true, expected: CLEAN.expected, committed: CLEAN.committed });
  const status = parseJson(await workspace.run(['status', place, '--json'], env));
  expect(status).toMatchObject({ state: 'finished', clean: true });
  const shown = parseJson(await workspace.run(['runs', 'show', place, '--json'], env));
  expect(shown).toMatchObject({ weightsSha256: calmSha256, state: 'finished' });
  const listed = parseJson(await workspace.run(['runs', 'list', '--store', path.dirname(place), '--json'], env));
  expect(listed).toMatchObject({ runs: [path.basename(place)] });
  const evaluated = parseJson(await workspace.run(['evaluate', place, '--engine', 'onnxruntime', '--json'], env));
  expect(evaluated).toMatchObject({ weightsSha256: calmSha256 });
  const copied = parseJson(await workspace.run(['runs', 'copy', place, 'copied', '--json'], env));
  expect(copied).toMatchObject({ from: place });
  const here = parseJson(await workspace.run(['ledger', 'check', 'copied', '--json'], env));
  expect(here['sha256']).toBe(checked['sha256']);
  const again = await workspace.run(['resume', place, '--json'], env);
  expect(parseJson(again)).toMatchObject({ outcome: 'finished', weightsSha256: calmSha256 });
}

describe('a run in NATS', () => {
  it('goes on on a machine that has nothing of it, and every command finds it by its place', TIMEOUT, async () => {
    await using run = await ContendedRun.open(NATS);
    await killAndFollow(run);
    await readByPlace(run);
  });
});

describeWithS3('a run in S3', (start) => {
  it('goes on on a machine that has nothing of it, and every command finds it by its place', TIMEOUT, async () => {
    await using server = await start('facet');
    await using run = await ContendedRun.open({ place: () => 's3://facet/some/runs', env: server.env });
    await killAndFollow(run);
    await readByPlace(run);
  });
});
