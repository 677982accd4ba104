import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LedgerChain } from '../ledger/ledger-chain.js';
import type { LedgerRecord, RunRecord } from '../ledger/ledger-record.js';
import { permutation } from '../random.js';
import { checkLedgerFile, readLedgerFile } from './ledger-on-disk.js';

const at = '2026-03-01T12:00:00.000Z';
const hash = 'a'.repeat(64);
let folder = '';
let path = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-ledger-'));
  path = join(folder, 'ledger.jsonl');
});

afterEach(() => rm(folder, { recursive: true }));

/** A whole run of one epoch. */
function textOf(trainSamples: number, globalBatch: number): string {
  const run: RunRecord = {
    ...{ kind: 'run', version: 2, run: 'demo', dataset: 'mnist', datasetSha256: hash, configSha256: hash, at },
    ...{ trainSamples, globalBatch, microBatch: globalBatch, seed: 3, epochs: 1 },
  };
  const order = permutation(3, 0, trainSamples);
  const commits = Array.from({ length: Math.ceil(trainSamples / globalBatch) }, (_, index): LedgerRecord => {
    const samples = order.slice(index * globalBatch, (index + 1) * globalBatch);
    return { kind: 'commit', step: index + 1, epoch: 0, generation: 1, samples, loss: 1, weightsCrc: '0000000a', at };
  });
  const chain = new LedgerChain();
  return [run, ...commits].map((record) => chain.append(record)).join('');
}

describe('a ledger on disk', () => {
  it('is read across the pieces in which it comes', async () => {
    await writeFile(path, textOf(210_000, 30_000));
    const steps: number[] = [];
    const end = await readLedgerFile(path, (record) => {
      if (record.kind === 'commit') steps.push(record.step);
    });
    expect(end).toMatchObject({ tornBytes: 0, damaged: [], isChained: true });
    expect(end.soundBytes).toBeGreaterThan(1 << 20);
    expect(steps).toEqual(Array.from({ length: 7 }, (_, index) => index + 1));
    expect(await checkLedgerFile(path)).toMatchObject({ clean: true, committed: 210_000 });
  });

  it('may be longer than a string', async () => {
    const text = textOf(10, 4);
    await writeFile(path, text);
    // A hole, which takes no room on the disk.
    await truncate(path, text.length + 2 ** 29);
    expect(await checkLedgerFile(path)).toMatchObject({ clean: true, hasTornTail: true, committed: 10 });
  });

  it('that is damaged is not clean, whatever can still be read', async () => {
    await writeFile(path, textOf(10, 4).replace(/"loss":1(.*\n)$/, '"loss":2$1'));
    const verdict = await checkLedgerFile(path);
    expect(verdict).toMatchObject({ clean: false, hasTornTail: false });
    expect(verdict.contradictions).toEqual([expect.stringMatching(/^line 4 is damaged: the line's checksum is/)]);
    expect(verdict.problems).toHaveLength(2);
  });

  it('must be a regular file that holds one', async () => {
    execFileSync('mkfifo', [path]);
    await expect(checkLedgerFile(path)).rejects.toThrow('it is a pipe, expected a regular file');
    await expect(checkLedgerFile(join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'ENOENT' });
    await rm(path);
    await writeFile(path, 'hello\n');
    await expect(checkLedgerFile(path)).rejects.toThrow(
      'cannot be read as a ledger: line 1: the line does not end with a checksum',
    );
  });
});
