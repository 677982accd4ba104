/** The Join stream of a worker whose coordinator is the test. */
import type { JoinRequest, JoinResponse__Output } from '@facet/proto';
import {
  encodePasses,
  encodeWelcomeSecrets,
  passesLabel,
  shardKeyLabel,
  WELCOME_LABEL,
  type JoinKeys,
  type RunToken,
} from '@facet/shared';
import type { JoinCall } from '../src/coordinator-stream.js';

/** For whatever has 32 bytes and no meaning here. */
export const NONCE = Buffer.alloc(32, 5);
/** As long as two signatures. */
export const PASSES = { frames: Buffer.alloc(64, 6), state: Buffer.alloc(64, 7) };

/** A stream whose other end is the test. */
export class MemoryCall implements JoinCall {
  readonly sent: JoinRequest[] = [];
  readonly writableLength = 0;
  isCancelled = false;
  keys: JoinKeys | undefined;
  readonly #token: RunToken;
  readonly #listeners = new Map<string, (message?: unknown) => void>();

  /** @param token what the coordinator at the other end has */
  constructor(token: RunToken) {
    this.#token = token;
  }

  on(event: string, listener: (message: never) => void): void {
    this.#listeners.set(event, listener as (message?: unknown) => void);
  }

  write(message: JoinRequest): void {
    this.sent.push(message);
  }

  cancel(): void {
    this.isCancelled = true;
  }

  say(message: Partial<JoinResponse__Output>): void {
    const [kind] = Object.keys(message).filter((key) => key !== 'term');
    const sealed = this.keys?.seal(
      WELCOME_LABEL,
      encodeWelcomeSecrets({ natsUrl: 'nats://h', exchangeKey: NONCE, leaseKey: NONCE }),
    );
    const { welcome: said, form } = message;
    const sealedShardKey = form && this.keys?.seal(shardKeyLabel(form.generation), NONCE);
    const sealedPasses = form && this.keys?.seal(passesLabel(form.generation), encodePasses(PASSES));
    const all = {
      ...message,
      ...(said && sealed && { welcome: { ...said, sealed } }),
      ...(form && sealedShardKey && sealedPasses && { form: { ...form, sealedShardKey, sealedPasses } }),
    };
    this.#listeners.get('data')?.({ term: 1, ...all, message: kind });
  }

  /** Shows that this is a coordinator with a token. */
  prove({ term = 1, runId = 'aa', token: shown = this.#token } = {}): void {
    const run = runId === 'aa' ? 'mine' : 'other';
    this.keys = shown.join(this.last('hello')!, { run, runId, term, nonce: NONCE });
    this.say({ term, challenge: { run, runId, nonce: NONCE, proof: Buffer.from(this.keys.coordinatorProof) } });
  }

  end(): void {
    this.#listeners.get('end')?.();
  }

  last<K extends keyof JoinRequest>(kind: K): NonNullable<JoinRequest[K]> | undefined {
    return this.sent.findLast((message) => (message[kind] ?? undefined) !== undefined)?.[kind] ?? undefined;
  }
}
