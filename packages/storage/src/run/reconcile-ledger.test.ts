import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LedgerRecord } from '@facet/shared';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textOf } from '../../test/store-contract.js';
import { openLedger } from '../ledger/ledger-file.js';
import { memoryRun, MemoryRun } from '../memory/memory-store.js';
import { reconcileLedger } from './reconcile-ledger.js';

let folder = '';
let file = '';
let held = new MemoryRun();
const store = () => memoryRun(held, 'memory');
const record = (step: number): LedgerRecord => ({ kind: 'resume', fromStep: step, at: '2026-03-01T12:00:00.000Z' });
const onError = (error: Error): void => {
  throw error;
};

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-reconcile-'));
  file = path.join(folder, 'ledger.jsonl');
  held = new MemoryRun();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** The lines of a ledger of so many records. */
async function linesOf(count: number, from = 0): Promise<string[]> {
  const other = await mkdtemp(path.join(tmpdir(), 'facet-lines-'));
  await using ledger = await openLedger({ folder: other, onError });
  for (let step = 0; step < count; step += 1) await ledger.append(record(from + step));
  const text = await readFile(ledger.path, 'utf8');
  await rm(other, { recursive: true, force: true });
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => `${line}\n`);
}

async function inStore(text: string): Promise<void> {
  const claim = await store().ledger.claim();
  await claim.append(0, new TextEncoder().encode(text));
}

describe('the ledgers of a folder and of its store', () => {
  it('are the same afterwards, wherever each of them ended (property)', async () => {
    const lines = await linesOf(6);
    await fc.assert(
      fc.asyncProperty(fc.nat(6), fc.nat(6), fc.boolean(), fc.nat(40), async (here, there, isTorn, tornBytes) => {
        held = new MemoryRun();
        await rm(file, { force: true });
        const torn = isTorn && here < 6 ? lines[here]!.slice(0, Math.min(tornBytes, lines[here]!.length - 1)) : '';
        const [own, stored] = [lines.slice(0, here).join(''), lines.slice(0, there).join('')];
        await writeFile(file, own + torn);
        if (there > 0) await inStore(stored);
        const claim = await store().ledger.claim();
        const { bytes, aside } = await reconcileLedger({ path: file, ledger: store().ledger, claim });
        const longer = lines.slice(0, Math.max(here, there)).join('');
        expect(await textOf(store())).toBe(longer);
        expect(bytes).toBe(longer.length);
        expect((await readFile(file, 'utf8')).startsWith(longer)).toBe(true);
        // A torn record that the store has whole is no contradiction.
        expect(aside).toBeUndefined();
        // And a coordinator goes on with both.
        await using ledger = await openLedger({ folder, onError, mirror: claim });
        await ledger.append(record(99));
        expect(await textOf(store())).toBe(await readFile(file, 'utf8'));
      }),
      { numRuns: 60 },
    );
  });

  it('keep what the store contradicts aside: it was never acknowledged', async () => {
    const lines = await linesOf(4);
    const others = await linesOf(4, 50);
    await writeFile(file, lines.join(''));
    const stored = lines[0]! + others.slice(1).join('');
    await inStore(stored);
    const claim = await store().ledger.claim();
    const { aside, sent } = await reconcileLedger({ path: file, ledger: store().ledger, claim });
    expect(sent).toBe(0);
    expect(await readFile(file, 'utf8')).toBe(stored);
    expect(await readFile(aside!, 'utf8')).toBe(lines.join(''));
    expect((await readdir(folder)).sort()).toEqual(['ledger.jsonl', path.basename(aside!)].sort());
  });

  it('leave the store alone without a claim', async () => {
    const lines = await linesOf(3);
    await writeFile(file, lines.join(''));
    await inStore(lines[0]!);
    expect(await reconcileLedger({ path: file, ledger: store().ledger })).toMatchObject({ sent: 0, fetched: 0 });
    expect(await textOf(store())).toBe(lines[0]);
  });

  it('send nothing that cannot be read', async () => {
    const lines = await linesOf(3);
    await writeFile(file, `${lines[0]}${lines[1]!.replace('resume', 'resumf')}${lines[2]}`);
    const claim = await store().ledger.claim();
    const reconciling = reconcileLedger({ path: file, ledger: store().ledger, claim });
    await expect(reconciling).rejects.toMatchObject({ code: 'LEDGER_INVALID' });
    expect(await textOf(store())).toBe('');
  });
});

describe('a ledger with a mirror', () => {
  it('acknowledges a record when both have it, and is fenced by whoever claims the store', async () => {
    const errors: string[] = [];
    const claim = await store().ledger.claim();
    await using ledger = await openLedger({ folder, onError: ({ code }) => errors.push(code), mirror: claim });
    await ledger.append(record(1));
    const before = await textOf(store());
    expect(before).toBe(await readFile(file, 'utf8'));
    await store().ledger.claim();
    await expect(ledger.append(record(2))).rejects.toMatchObject({ code: 'RUN_LOCKED' });
    expect(errors).toEqual(['RUN_LOCKED']);
    expect(await textOf(store())).toBe(before);
  });
});
