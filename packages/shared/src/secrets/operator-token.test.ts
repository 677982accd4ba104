import { describe, expect, it } from 'vitest';
import { OperatorToken } from './operator-token.js';
import { RunToken } from './run-token.js';

const order = { kind: 'ORDER_KIND_DRAIN', workerId: 'a', reason: 'hot', nonce: new Uint8Array(32).fill(1) };
const challenge = { run: 'mine', runId: 'aa', nonce: new Uint8Array(32).fill(2) };

describe('the operator token', () => {
  it('gives both sides the same proofs, which differ from each other', () => {
    const token = OperatorToken.random();
    const [mine, theirs] = [token, new OperatorToken(token.reveal())].map((one) => one.proofsFor(order, challenge));
    expect(mine).toEqual(theirs);
    expect(mine!.coordinator).not.toEqual(mine!.operator);
    expect(mine!.operator).toHaveLength(32);
  });

  it('proves one order for one run at one time', () => {
    const token = OperatorToken.random();
    const proof = token.proofsFor(order, challenge).operator;
    const others = [
      token.proofsFor({ ...order, kind: 'ORDER_KIND_STOP' }, challenge),
      token.proofsFor({ ...order, workerId: 'b' }, challenge),
      token.proofsFor({ ...order, reason: '' }, challenge),
      token.proofsFor({ ...order, nonce: new Uint8Array(32) }, challenge),
      token.proofsFor(order, { ...challenge, run: 'other' }),
      token.proofsFor(order, { ...challenge, runId: 'bb' }),
      token.proofsFor(order, { ...challenge, nonce: new Uint8Array(32) }),
      OperatorToken.random().proofsFor(order, challenge),
    ];
    for (const { operator } of others) expect(operator).not.toEqual(proof);
  });

  it('is for another use than a run token of the same text', () => {
    const text = OperatorToken.random().reveal();
    const hello = { workerId: 'a', nonce: order.nonce };
    const { workerProof, coordinatorProof } = new RunToken(text).join(hello, { ...challenge, term: 1 });
    const { operator, coordinator } = new OperatorToken(text).proofsFor(order, challenge);
    expect([workerProof, coordinatorProof]).not.toContainEqual(operator);
    expect([workerProof, coordinatorProof]).not.toContainEqual(coordinator);
  });

  it('shows itself to nobody, and is refused when it is short', () => {
    const token = new OperatorToken('a-token-of-twenty-and-more');
    expect(`${String(token)} ${JSON.stringify({ token })}`).not.toContain('twenty');
    expect(() => new OperatorToken('short-secret')).toThrow(/the operator token has 12 characters, expected 20 to/);
    expect(() => new OperatorToken('short-secret')).not.toThrow(/short-secret/);
  });
});
