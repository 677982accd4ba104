/**
 * One result: the weights depend on config and seed, not on who computed what, who died, or where the run was resumed.
 * Real processes, a real broker, real gRPC, real MNIST (its first samples). same-bits.long.test.ts has more worlds.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { committedSteps, openWorkspace, parseJson, processesWith, until, type Workspace } from '../testkit/facet.js';
import { childrenOf, CLEAN, killAll, STEPS, up } from '../testkit/small-run.js';

let workspace: Workspace;
let expectedSha256: string;

beforeAll(async () => {
  workspace = await openWorkspace();
  const summary = parseJson(await workspace.run(up('alone', 1)));
  expect(summary.ledger).toMatchObject(CLEAN);
  expect(summary.steps).toBe(STEPS);
  expectedSha256 = summary.weightsSha256;
}, 120_000);

afterAll(async () => {
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

describe('the weights of a run', () => {
  // 3 and 4: same-bits.long.test.ts.
  it.each([2])('are the same bits with %i workers as with one', { timeout: 120_000 }, async (workers) => {
    const result = await workspace.run(up(`with-${workers}`, workers));
    const summary = parseJson(result);
    expect(result.code, result.stderr).toBe(0);
    expect(summary).toMatchObject({ weightsSha256: expectedSha256, workers, ledger: CLEAN, faults: 0 });
  });

  it(
    'are the same bits when workers read their own copy of the data and add in groups',
    { timeout: 120_000 },
    async () => {
      const more = ['--data', 'local', '--set', 'exchange.groupSize=2'];
      const summary = parseJson(await workspace.run(up('local', 4, ...more)));
      expect(summary).toMatchObject({ weightsSha256: expectedSha256, ledger: CLEAN, workers: 4, faults: 0 });
      const log = await readFile(path.join(workspace.runs, 'local', 'logs', 'worker-0.log'), 'utf8');
      // First the peer of its own group, then the one in its place in the other: of ranks 0, 1, 2 and 3.
      expect(log).toMatch(/"peers":\[(1,2|0,3|3,0|2,1)\]/);
    },
  );

  it(
    'are the same bits when a worker is killed in the middle; the fault costs no sample',
    { timeout: 120_000 },
    async () => {
      const running = workspace.start(up('killed-worker', 3, '--max-restarts', '0'));
      const folder = path.join(workspace.runs, 'killed-worker');
      await until('8 steps are committed', async () => (await committedSteps(folder)) >= 8);
      const workers = (await processesWith('worker --coordinator')).filter(({ command }) =>
        command.includes('--exit-with-parent'),
      );
      const ours = await childrenOf(running.child.pid!);
      const victim = workers.find(({ pid }) => ours.includes(pid));
      process.kill(victim!.pid, 'SIGKILL');
      const result = await running.done;
      expect(parseJson(result)).toMatchObject({ weightsSha256: expectedSha256, ledger: CLEAN, faults: 1, workers: 2 });
      expect(result.code, result.stderr).toBe(0);
    },
  );

  it(
    'are the same bits when everything is killed and the run is resumed with another number of workers',
    { timeout: 120_000 },
    async () => {
      const running = workspace.start(up('killed-all', 2));
      const folder = path.join(workspace.runs, 'killed-all');
      await killAll(running, folder);

      const result = await workspace.run(['resume', 'killed-all', '--workers', '3', '--json']);
      expect(parseJson(result)).toMatchObject({ weightsSha256: expectedSha256, ledger: CLEAN, workers: 3 });
      expect(result.code, result.stderr).toBe(0);
      expect((await workspace.run(['ledger', 'check', 'killed-all'])).code).toBe(0);
    },
  );
});

describe('a finished run', () => {
  it('is evaluated to the accuracy that training reported', { timeout: 60_000 }, async () => {
    const trained = JSON.parse(await readFile(path.join(workspace.runs, 'alone', 'result.json'), 'utf8')) as {
      testAccuracy: number;
    };
    const evaluated = parseJson(await workspace.run(['evaluate', 'alone', '--json'])) as unknown as {
      accuracy: number;
    };
    expect(evaluated.accuracy).toBe(trained.testAccuracy);
  });

  it('fails the ledger check when one sample is taken out or counted again', { timeout: 60_000 }, async () => {
    expect((await workspace.run(['ledger', 'check', 'alone'])).code).toBe(0);
    const { LedgerChain, readLedgerRecords } = await import('@facet/shared');
    const file = path.join(workspace.runs, 'alone', 'ledger.jsonl');
    const found = await readLedgerRecords(file);
    const rewrite = async (change: (samples: Uint32Array) => Uint32Array): Promise<string> => {
      const records = found.map((record) =>
        record.kind === 'commit' && record.step === 3 ? { ...record, samples: change(record.samples) } : record,
      );
      const changed = path.join(workspace.folder, 'changed.jsonl');
      // With every line's checksum, and what it says of the line before, made anew.
      const chain = new LedgerChain();
      await writeFile(changed, records.map((record) => chain.append(record)).join(''));
      return changed;
    };
    const without = await workspace.run(['ledger', 'check', await rewrite((samples) => samples.slice(1)), '--json']);
    expect(without.code).toBe(1);
    expect(parseJson(without)).toMatchObject({ missing: 1, duplicated: 0 });
    const twice = await workspace.run([
      'ledger',
      'check',
      await rewrite((samples) => Uint32Array.of(...samples, samples[0]!)),
      '--json',
    ]);
    expect(twice.code).toBe(1);
    expect(parseJson(twice)).toMatchObject({ missing: 0, duplicated: 1 });
  });

  it('is neither overwritten nor resumed with another model', { timeout: 60_000 }, async () => {
    const again = await workspace.run(up('alone', 1));
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/alone.*(exists|resume)/s);
    const other = await workspace.run(['resume', 'alone', '--set', 'model.width=32']);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('model.width');
  });
});
