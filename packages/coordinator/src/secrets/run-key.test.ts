import { describe, expect, it } from 'vitest';
import { RunKey } from './run-key.js';

const key = new RunKey(RunKey.random());
const facts = { term: 2, generation: 7, workerId: 'a' };
const ticket = key.ticket(facts);

describe("a run's key", () => {
  it('proves a ticket that it sealed, in whatever process', () => {
    const bytes = RunKey.random();
    expect(new RunKey(bytes).proves(new RunKey(bytes).ticket(facts), 'a')).toBe(true);
    expect(new RunKey(bytes).id).toBe(new RunKey(bytes).id);
  });

  it.each([
    ['another worker', ticket, 'b'],
    ['another generation', { ...ticket, generation: 8 }, 'a'],
    ['another term', { ...ticket, term: 3 }, 'a'],
    ['another seal', { ...ticket, seal: Buffer.from(ticket.seal).reverse() }, 'a'],
    ['a seal that is cut short', { ...ticket, seal: ticket.seal.subarray(1) }, 'a'],
    ['no seal', { ...ticket, seal: Buffer.alloc(0) }, 'a'],
  ])('proves no ticket with %s', (_, changed, workerId) => {
    expect(key.proves(changed, workerId)).toBe(false);
  });

  it('proves no ticket of another run, which has another id', () => {
    const other = new RunKey(RunKey.random());
    expect(other.proves(ticket, 'a')).toBe(false);
    expect(other.id).not.toBe(key.id);
    expect(key.id).toMatch(/^[0-9a-f]{16}$/);
  });

  it('is refused when it has not the length of one', () => {
    expect(() => new RunKey(new Uint8Array(3))).toThrow("a run's key has 3 bytes, expected 32");
  });
});
