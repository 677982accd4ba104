/**
 * The token of a run: whoever has it may join. It never travels. Both sides of a Join stream prove that they have it, over two
 * nonces and everything that Hello says, and get a key of the stream from it, under which secrets travel. A coordinator proves
 * itself first, so that a worker shows nothing to one that has not.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { openSealed, sealBytes } from './sealed-bytes.js';
import { randomWord, SecretToken } from './secret-word.js';

/** Bytes of either nonce. */
export const JOIN_NONCE_BYTES = 32;

/** What Hello says and both proofs cover. Absent is what a message on the wire has by default. */
export interface JoinHello {
  readonly workerId?: string | undefined;
  readonly codeVersion?: string | undefined;
  readonly configVersion?: number | undefined;
  readonly host?: string | undefined;
  readonly pid?: number | undefined;
  readonly exchangeAddress?: string | undefined;
  readonly metricsUrl?: string | undefined;
  readonly cores?: number | undefined;
  readonly term?: number | undefined;
  readonly run?: string | undefined;
  readonly runId?: string | undefined;
  readonly ticket?: JoinTicket | null | undefined;
  readonly nonce?: Uint8Array | string | undefined;
}

interface JoinTicket {
  readonly term?: number | undefined;
  readonly generation?: number | undefined;
  readonly seal?: Uint8Array | string | undefined;
}

/** What a coordinator says of itself in its challenge. */
export interface JoinChallenge {
  readonly run: string;
  readonly runId: string;
  readonly term: number;
  readonly nonce: Uint8Array;
}

export class RunToken extends SecretToken {
  /** @throws TrainingError TOKEN_INVALID when the text cannot be a token; the text is not in the message. */
  constructor(text: string) {
    super(text, 'run token');
  }

  /** A token that nobody can guess. */
  static random(): RunToken {
    return new RunToken(randomWord());
  }

  /** Proofs and key of one Join stream. */
  join(hello: JoinHello, challenge: JoinChallenge): JoinKeys {
    return new JoinKeys(this.proofKey, transcriptOf(hello, challenge));
  }
}

/** What both sides of one Join stream know if both have the token. */
export class JoinKeys {
  readonly coordinatorProof: Uint8Array;
  readonly workerProof: Uint8Array;
  readonly #key: Uint8Array;
  readonly #transcript: Uint8Array;

  constructor(tokenKey: Uint8Array, transcript: Uint8Array) {
    const derive = (label: string): Buffer => createHmac('sha256', tokenKey).update(label).update(transcript).digest();
    this.coordinatorProof = derive('coordinator');
    this.workerProof = derive('worker');
    this.#key = derive('stream');
    this.#transcript = transcript;
  }

  /** What a process shows on a later stream that is to replace this one. */
  proofForNext(next: JoinKeys): Uint8Array {
    return createHmac('sha256', this.#key).update('next').update(next.#transcript).digest();
  }

  /** Encrypts what only the other side may read. */
  seal(label: string, bytes: Uint8Array): Buffer {
    return sealBytes(this.#key, label, bytes);
  }

  /** @throws TrainingError TOKEN_INVALID when it was not sealed by the other side for this label. */
  open(label: string, sealed: Uint8Array): Buffer {
    return openSealed(this.#key, label, sealed);
  }
}

/** Compares secrets without saying by its time where they differ. */
export function isSameSecret(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function transcriptOf(hello: JoinHello, { run, runId, term, nonce }: JoinChallenge): Uint8Array {
  const { ticket } = hello;
  const parts = [
    'facet join 1',
    ...[hello.workerId ?? '', hello.codeVersion ?? '', hello.configVersion ?? 0, hello.host ?? '', hello.pid ?? 0],
    ...[hello.exchangeAddress ?? '', hello.metricsUrl ?? '', hello.cores ?? 0, hello.term ?? 0],
    ...[hello.run ?? '', hello.runId ?? '', hexOf(hello.nonce)],
    !ticket ? null : [ticket.term ?? 0, ticket.generation ?? 0, hexOf(ticket.seal)],
    ...[run, runId, term, hexOf(nonce)],
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}

function hexOf(bytes: Uint8Array | string | undefined): string {
  return typeof bytes === 'string' ? bytes : Buffer.from(bytes ?? []).toString('hex');
}
