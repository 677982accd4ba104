import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LedgerChain } from './ledger-chain.js';
import type { LedgerRecord } from './ledger-record.js';
import { LedgerTail } from './ledger-tail.js';

const at = '2026-11-30T07:00:00.000Z';

function linesOf(records: readonly LedgerRecord[]): string[] {
  const chain = new LedgerChain();
  return records.map((record) => chain.append(record));
}

/** A file in memory, and whoever follows it. */
class Followed {
  file = Buffer.alloc(0);
  readonly found: LedgerRecord[] = [];
  readonly tail = new LedgerTail((record) => this.found.push(record));

  poll(): void {
    const { tail } = this;
    while (tail.take(this.file.subarray(tail.offset, tail.offset + tail.wanted)));
  }
}

describe('following a ledger', () => {
  it('gives every record once, however it was written and how often it was looked at (property)', () => {
    const records = [1, 2, 3, 4, 5].map((fromStep): LedgerRecord => ({ kind: 'resume', fromStep, at }));
    const text = linesOf(records).join('');
    fc.assert(
      fc.property(fc.array(fc.nat({ max: text.length })), (ends) => {
        const followed = new Followed();
        for (const end of [...ends.sort((a, b) => a - b), text.length]) {
          followed.file = Buffer.from(text.slice(0, end));
          followed.poll();
        }
        expect(followed.found).toEqual(records);
        expect(followed.tail.offset).toBe(text.length);
      }),
    );
  });

  it('forgets a torn end that the next coordinator cuts off and writes over', () => {
    const [first, second] = linesOf([
      { kind: 'resume', fromStep: 1, at },
      { kind: 'resume', fromStep: 2, at },
    ]);
    const followed = new Followed();
    followed.file = Buffer.from(`${first}{"kind":"leave","generation":12,"step":3`);
    followed.poll();
    followed.file = Buffer.from(`${first}${second}`);
    followed.poll();
    expect(followed.found).toMatchObject([{ fromStep: 1 }, { fromStep: 2 }]);
  });

  it('reads a line that is longer than one read', () => {
    const samples = Uint32Array.from({ length: 100_000 }, (_, index) => index);
    const commit: LedgerRecord = {
      ...{ kind: 'commit', step: 1, epoch: 0, generation: 1, samples, loss: 1, weightsCrc: '00000000', at },
    };
    const followed = new Followed();
    const resume: LedgerRecord = { kind: 'resume', fromStep: 1, at };
    followed.file = Buffer.from(linesOf([commit, resume]).join(''));
    expect(followed.file.length).toBeGreaterThan(5 * followed.tail.wanted);
    followed.poll();
    expect(followed.found).toEqual([commit, resume]);
  });
});
