/** store-contract.ts says what every ledger does; here is what only one made of objects can get wrong. */
import { expect, it } from 'vitest';
import { textOf } from '../../test/store-contract.js';
import { memoryRun, MemoryRun, type FaultScript } from '../memory/memory-store.js';
import { objectLedger } from './object-ledger.js';
import type { RunStore } from './run-store.js';

function viewOf(held: MemoryRun, faults?: FaultScript): RunStore {
  const store = memoryRun(held, 'memory', faults && { faults });
  return { ...store, ledger: objectLedger(store.objects, 'memory') };
}

const APPENDS = 70;
const lines = Array.from({ length: APPENDS }, (_, index) => `line ${index}\n`);
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

it('has every acknowledged append, and at most one more, after a crash at any call', async () => {
  let crashes = 0;
  for (let at = 0; ; at += 1) {
    const held = new MemoryRun();
    let calls = 0;
    const crash: FaultScript = () => {
      calls += 1;
      if (calls > at) throw new Error('crashed');
    };
    let acknowledged = '';
    const outcome = await (async () => {
      const claim = await viewOf(held, crash).ledger.claim();
      for (const line of lines) {
        await claim.append(acknowledged.length, bytes(line));
        acknowledged += line;
      }
    })().then(
      () => 'done',
      () => 'crashed',
    );
    const found = await textOf(viewOf(held));
    const more = lines[acknowledged.split('\n').length - 1] ?? '';
    expect([acknowledged, acknowledged + more], `call ${at}`).toContain(found);
    // Whoever goes on appends after what was found.
    const next = await viewOf(held).ledger.claim();
    await next.append(found.length, bytes('next\n'));
    expect(await textOf(viewOf(held)), `call ${at}`).toBe(`${found}next\n`);
    if (outcome === 'done') break;
    crashes += 1;
  }
  expect(crashes).toBeGreaterThan(4 * APPENDS);
});

it('puts small appends together, so that a ledger of many is read in few requests', async () => {
  const held = new MemoryRun();
  const claim = await viewOf(held).ledger.claim();
  let at = 0;
  for (let index = 0; index < 1_000; index += 1) {
    await claim.append(at, bytes(`${index}\n`));
    at += `${index}\n`.length;
  }
  const parts = [...held.objects.keys()].filter((name) => name.includes('/parts/'));
  expect(parts.length).toBeLessThan(70);
  expect((await textOf(viewOf(held))).split('\n')).toHaveLength(1_001);
});

it('is read while its writer puts appends together', async () => {
  const held = new MemoryRun();
  const claim = await viewOf(held).ledger.claim();
  let at = 0;
  let written = '';
  const append = async (): Promise<void> => {
    const line = `${written.length}\n`;
    await claim.append(at, bytes(line));
    at += line.length;
    written += line;
  };
  for (let index = 0; index < 60; index += 1) await append();
  const before = written;
  // Between any two requests of the reader the writer goes on.
  const reader = viewOf(held, (call, when) => (when === 'before' && call.act === 'get' ? append() : undefined));
  const seen = await textOf(reader);
  expect(seen.startsWith(before)).toBe(true);
  expect(written.startsWith(seen)).toBe(true);
});

it('does not count what a replaced writer still puts', async () => {
  const held = new MemoryRun();
  const first = await viewOf(held).ledger.claim();
  await first.append(0, bytes('one\n'));
  const second = await viewOf(held).ledger.claim();
  await expect(first.append(4, bytes('lost\n'))).rejects.toMatchObject({ code: 'RUN_LOCKED' });
  // The object is there, for nobody.
  expect([...held.objects.values()].some((content) => Buffer.from(content).toString() === 'lost\n')).toBe(true);
  expect(await textOf(viewOf(held))).toBe('one\n');
  await second.append(4, bytes('two\n'));
  const third = await viewOf(held).ledger.claim();
  await third.append(8, bytes('three\n'));
  expect(await textOf(viewOf(held))).toBe('one\ntwo\nthree\n');
});
