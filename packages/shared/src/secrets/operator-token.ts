/**
 * The operator's token of a run: whoever has it may stop the run, drain a worker, or have a checkpoint taken. Workers do not
 * have it. It never travels: both sides prove that they have it, over two nonces and the order itself, so that a proof is good
 * for one order at one coordinator.
 */
import { createHash, createHmac } from 'node:crypto';
import { randomWord, SecretToken } from './secret-word.js';

/** What an operator wants, as it is on the wire. */
export interface OperatorOrder {
  readonly kind: string;
  /** Of the worker that it is about, or empty. */
  readonly workerId: string;
  readonly reason: string;
  /** 32 random bytes. */
  readonly nonce: Uint8Array;
}

/** What the coordinator says of itself. */
export interface OperatorChallenge {
  readonly run: string;
  readonly runId: string;
  readonly nonce: Uint8Array;
}

export interface OperatorProofs {
  readonly coordinator: Uint8Array;
  readonly operator: Uint8Array;
}

export class OperatorToken extends SecretToken {
  /** @throws TrainingError TOKEN_INVALID when the text cannot be a token; the text is not in the message. */
  constructor(text: string) {
    super(text, 'operator token');
  }

  /** A token that nobody can guess. */
  static random(): OperatorToken {
    return new OperatorToken(randomWord());
  }

  /** What either side shows for one order. */
  proofsFor(order: OperatorOrder, challenge: OperatorChallenge): OperatorProofs {
    const { kind, workerId, reason, nonce } = order;
    const { run, runId } = challenge;
    const parts = ['facet operator 1', kind, workerId, reason, hex(nonce), run, runId, hex(challenge.nonce)];
    const transcript = createHash('sha256').update(JSON.stringify(parts)).digest();
    const key = this.proofKey;
    const prove = (side: string): Buffer => createHmac('sha256', key).update(side).update(transcript).digest();
    return { coordinator: prove('coordinator'), operator: prove('operator') };
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
