/** What is left of a ledger when the disk refuses, or the process dies, at any call of an append. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LedgerRecord } from '@facet/shared';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ERROR_CODES, type DiskFault, type FaultyDisk } from '../../test/faulty-disk.js';
import { openLedger, type LedgerFile } from './ledger-file.js';

const { disk } = vi.hoisted(() => ({ disk: { current: undefined as FaultyDisk | undefined } }));
vi.mock('node:fs/promises', async (importOriginal) => {
  const { FaultyDisk } = await import('../../test/faulty-disk.js');
  disk.current = new FaultyDisk();
  return disk.current.over(await importOriginal());
});

const record = (fromStep: number): LedgerRecord => ({ kind: 'resume', fromStep, at: '2026-03-01T12:00:00.000Z' });
const all = [1, 2, 3, 4].map(record);

let root: string;
const errors: Error[] = [];
interface Opened {
  readonly ledger: LedgerFile;
  readonly records: readonly LedgerRecord[];
}

async function open(folder: string): Promise<Opened> {
  const records: LedgerRecord[] = [];
  const onRecord = (found: LedgerRecord): unknown => records.push(found);
  return { ledger: await openLedger({ folder, onRecord, onError: (error) => errors.push(error) }), records };
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'facet-disk-'));
  errors.length = 0;
});

afterEach(async () => {
  disk.current!.heal();
  await rm(root, { recursive: true });
});

interface Appended {
  /** Records whose append resolved. */
  readonly acknowledged: readonly LedgerRecord[];
  readonly ledger: LedgerFile;
  readonly folder: string;
}

/** One append alone, then two that share a sync, then one more, with a fault at one of the disk's calls. */
async function appendUnder(fault: DiskFault, at: number): Promise<Appended> {
  const folder = join(root, `${fault.kind}-${at}`);
  const { ledger } = await open(folder);
  disk.current!.arm({ fault, at, path: folder });
  const acknowledged: LedgerRecord[] = [];
  const append = (one: LedgerRecord): Promise<unknown> =>
    ledger.append(one).then(
      () => acknowledged.push(one),
      () => undefined,
    );
  const [first, second, third, fourth] = all;
  await append(first!);
  await Promise.all([append(second!), append(third!)]);
  await append(fourth!);
  disk.current!.heal();
  return { acknowledged, ledger, folder };
}

// Hundreds of calls, which a busy disk takes long for.
describe('a ledger under a disk that fails', { timeout: 180_000 }, () => {
  it.each(['kill', 'torn', 'power-cut'] as const)(
    'holds what was acknowledged after a %s at any call; a torn tail is dropped and reported',
    async (kind) => {
      let recovered = 0;
      for (let at = 0, end = Infinity; at <= end; at++) {
        const { acknowledged, ledger, folder } = await appendUnder({ kind }, at);
        if (acknowledged.length === all.length) end = at;
        await ledger.close();
        const again = await open(folder);
        expect(all.slice(0, again.records.length)).toEqual(again.records);
        expect(again.records.length).toBeGreaterThanOrEqual(acknowledged.length);
        if (again.ledger.recovered !== undefined) recovered += 1;
        for (const one of all.slice(again.records.length)) await again.ledger.append(one);
        await again.ledger.close();
        const whole = await open(folder);
        expect(whole.records).toEqual(all);
        expect(whole.ledger.recovered).toBeUndefined();
        await whole.ledger.close();
      }
      expect(recovered > 0).toBe(kind === 'torn');
    },
  );

  it.each(ERROR_CODES)('stops at %s with what to do, and goes on when the disk is mended', async (code) => {
    for (let at = 0, end = Infinity; at <= end; at++) {
      errors.length = 0;
      const { acknowledged, ledger, folder } = await appendUnder({ kind: 'error', code }, at);
      if (acknowledged.length === all.length) {
        end = at;
      } else {
        expect(errors).toMatchObject([{ code: 'ACCOUNTING' }]);
        expect(errors[0]!.message).toMatch(
          new RegExp(`cannot write the ledger .*ledger.jsonl: ${code}.*mend the disk, then resume`),
        );
        await expect(ledger.append(all[3]!)).rejects.toBe(errors[0]);
      }
      await ledger.close();
      const again = await open(folder);
      expect(all.slice(0, again.records.length)).toEqual(again.records);
      expect(again.records.length).toBeGreaterThanOrEqual(acknowledged.length);
      await again.ledger.close();
    }
  });
});
