/** `facet runs` on folders that a run would leave. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LedgerChain, type LedgerRecord } from '@facet/shared';
import { runInProcess, type CliEnd } from '../../test/run-cli.js';

let runs = '';

beforeEach(async () => {
  runs = await mkdtemp(path.join(tmpdir(), 'facet-runs-'));
  await leaveRun('older', {
    ...{ outcome: 'finished', steps: 1_410, testAccuracy: 0.9898, weightsSha256: 'ab'.repeat(32) },
    ...{
      imagesPerSecond: 3_000,
      history: [
        { epoch: 0, testAccuracy: 0.9901 },
        { epoch: 1, testAccuracy: 0.9898 },
      ],
    },
  });
  await leaveRun('newer');
  const hourAgo = new Date(Date.now() - 3_600_000);
  await utimes(path.join(runs, 'older', 'ledger.jsonl'), hourAgo, hourAgo);
});

afterEach(() => rm(runs, { recursive: true }));

async function leaveRun(name: string, result?: Record<string, unknown>): Promise<void> {
  const folder = path.join(runs, name);
  await mkdir(path.join(folder, 'checkpoints'), { recursive: true });
  await writeFile(path.join(folder, 'ledger.jsonl'), '');
  await writeFile(
    path.join(folder, 'config.json'),
    JSON.stringify({ dataset: 'mnist', preset: 'mnist-fast', seed: 7, epochs: 3, task: { name: 'multiview' } }),
  );
  if (result !== undefined) await writeFile(path.join(folder, 'result.json'), JSON.stringify(result));
}

function facet(...args: readonly string[]): Promise<CliEnd> {
  return runInProcess(['runs', ...args], { FACET_RUNS: runs });
}

test('lists what is known of every run, the newest first', async () => {
  const { code, stdout } = await facet();
  expect(code).toBe(0);
  const [header, ...rows] = stdout.trim().split('\n');
  expect(header).toMatch(/^run +state +task +dataset +preset +seed +epochs +steps +best +samples\/s +size +changed$/);
  expect(rows[0]).toMatch(
    /^newer +stopped +multiview +mnist +mnist-fast +7 +3 +- +- +- +\d+ B +\d{4}-\d\d-\d\d \d\d:\d\d$/,
  );
  // The best epoch, not the last one.
  expect(rows[1]).toMatch(/^older +finished +multiview +mnist +mnist-fast +7 +3 +1,410 +99\.01 % +3,000 +\d+ B +\d{4}/);
  const json = JSON.parse((await facet('list', '--json')).stdout) as { runs: { name: string; state: string }[] };
  expect(json.runs.map(({ name, state }) => [name, state])).toEqual([
    ['newer', 'stopped'],
    ['older', 'finished'],
  ]);
});

test('says where runs would be when there are none', async () => {
  const { code, stdout } = await runInProcess(['runs'], { FACET_RUNS: path.join(runs, 'nowhere') });
  expect([code, stdout]).toEqual([
    0,
    `there are no runs in ${path.join(runs, 'nowhere')}; \`facet up --dataset mnist\` starts one\n`,
  ]);
});

test('shows a run, and how it goes on', async () => {
  expect((await facet('show', 'newer')).stdout).toContain('`facet resume newer` goes on with it.');
  const older = JSON.parse((await facet('show', 'older', '--json')).stdout) as Record<string, unknown>;
  expect(older).toMatchObject({ name: 'older', state: 'finished', steps: 1_410, accuracy: 0.9898, seed: 7 });
  const missing = await facet('show', 'oldr');
  expect(missing.code).toBe(2);
  expect(missing.stderr).toContain('did you mean older?');
});

test('shows a run whose configuration is damaged', async () => {
  await writeFile(path.join(runs, 'newer', 'config.json'), '{');
  expect(JSON.parse((await facet('show', 'newer', '--json')).stdout)).toMatchObject({ name: 'newer', dataset: null });
});

test('renames a run, but onto nothing that exists and to no name that is none', async () => {
  expect((await facet('rename', 'older', 'newer')).stderr).toContain('RUN_EXISTS');
  expect((await facet('rename', 'older', '../up')).stderr).toContain('RUN_NAME_INVALID');
  expect(await facet('rename', 'older', 'baseline')).toMatchObject({
    code: 0,
    stdout: 'older is called baseline now\n',
  });
  expect((await readdir(runs)).sort()).toEqual(['baseline', 'newer']);
});

test('removes runs only when it is told twice, and none when one is wrong', async () => {
  const unsure = await facet('rm', 'older', 'newer');
  expect(unsure.code).toBe(2);
  expect(unsure.stderr).toContain('add --yes to remove them');
  expect((await facet('rm', 'older', 'nothing', '--yes')).stderr).toContain('RUN_NOT_FOUND');
  expect(existsSync(path.join(runs, 'older'))).toBe(true);
  expect((await facet('rm', 'older', 'older', '--yes')).stdout).toBe(`removed ${path.join(runs, 'older')}\n`);
  expect(await readdir(runs)).toEqual(['newer']);
});

test('changes no run that a process holds', async () => {
  await writeFile(path.join(runs, 'older', 'lock'), JSON.stringify({ pid: process.ppid, host: hostname() }));
  for (const args of [
    ['rename', 'older', 'other'],
    ['rm', 'older', '--yes'],
  ]) {
    expect((await facet(...args)).stderr).toContain('RUN_LOCKED');
  }
  expect(existsSync(path.join(runs, 'older'))).toBe(true);
});

/** A ledger of one epoch of two steps. */
async function writeLedger(name: string, losses: readonly [number, number]): Promise<void> {
  const chain = new LedgerChain();
  const at = '2026-11-30T07:00:00.000Z';
  const sha = 'ab'.repeat(32);
  const records: LedgerRecord[] = [
    {
      ...{ kind: 'run', version: 2, run: name, dataset: 'mnist', datasetSha256: sha, trainSamples: 2, seed: 7 },
      ...{ globalBatch: 1, microBatch: 1, epochs: 1, configSha256: sha, at },
    },
    ...losses.map((loss, index): LedgerRecord => ({
      ...{ kind: 'commit', step: index + 1, epoch: 0, generation: 1, samples: Uint32Array.of(index), loss },
      ...{ weightsCrc: '00000000', seconds: 0.5, at },
    })),
    { kind: 'evaluation', step: 2, epoch: 0, testAccuracy: losses[1], testLoss: losses[1], at },
  ];
  await writeFile(path.join(runs, name, 'ledger.jsonl'), records.map((record) => chain.append(record)).join(''));
}

test('compares runs on the terminal, as a page and as JSON', async () => {
  await writeLedger('older', [2, 0.5]);
  await writeLedger('newer', [2, 0.75]);
  const { code, stdout } = await facet('compare', 'older', 'newer', '--report', path.join(runs, 'page.html'));
  expect(code).toBe(0);
  expect(stdout).toMatch(/^a +older +not ended +1 +2 +50\.00 %/m);
  expect(stdout).toMatch(/^b +newer +not ended +1 +2 +75\.00 %/m);
  expect(stdout).toContain('loss of training over epochs');
  expect(stdout).toContain('Their configurations do not differ');
  expect(await readFile(path.join(runs, 'page.html'), 'utf8')).toContain('<title>Runs compared</title>');
  const json = JSON.parse((await facet('compare', 'older', 'newer', '--json')).stdout) as Record<string, unknown>;
  expect(json).toMatchObject({ page: path.join(runs, 'comparison.html'), differences: [], runs: [{ steps: 2 }, {}] });
});

test.each([
  [['older'], 'there is 1 run to compare, expected 2 to 26 different ones'],
  [['older', 'older'], 'there is 1 run to compare'],
  [['older', 'oldr'], "there is no run 'oldr'"],
])('compares nothing when it is given %j', async (names, reason) => {
  const { code, stderr } = await facet('compare', ...names);
  expect([code, stderr]).toEqual([2, expect.stringContaining(reason)]);
  expect(existsSync(path.join(runs, 'comparison.html'))).toBe(false);
});
