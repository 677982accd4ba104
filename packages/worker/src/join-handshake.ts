/**
 * The worker's side of the proofs that open a Join stream. A coordinator shows first that it has the run's token; until then nothing
 * that comes on the stream is believed.
 */
import { randomBytes } from 'node:crypto';
import type { Challenge__Output, JoinRequest } from '@facet/proto';
import {
  decodeWelcomeSecrets,
  isSameSecret,
  JOIN_NONCE_BYTES,
  TrainingError,
  WELCOME_LABEL,
  type JoinKeys,
  type RunToken,
  type WelcomeSecrets,
} from '@facet/shared';

type Hello = NonNullable<JoinRequest['hello']>;

/** One stream's. */
export class JoinHandshake {
  /** With the nonce of this stream. */
  readonly hello: Hello & { readonly nonce: Buffer };
  readonly #token: RunToken;
  readonly #previous: JoinHandshake | undefined;
  #keys: JoinKeys | undefined;

  /** @param previous of the stream before, which this one may have to replace */
  constructor(token: RunToken, hello: Hello, previous: JoinHandshake | undefined) {
    this.hello = { ...hello, nonce: randomBytes(JOIN_NONCE_BYTES) };
    this.#token = token;
    this.#previous = previous?.isProven === true ? previous : undefined;
  }

  /** Whether the coordinator has shown that it has the token. */
  get isProven(): boolean {
    return this.#keys !== undefined;
  }

  /**
   * Checks what the coordinator shows, and answers.
   *
   * @param term of the message that the challenge came in
   * @throws TrainingError TOKEN_INVALID when it has another token or none; RUN_MISMATCH when this worker belongs to another run.
   */
  answer({ run, runId, nonce, proof }: Challenge__Output, term: number): JoinRequest {
    const { run: ownRun = '', runId: ownId = '', workerId = '' } = this.hello;
    if (ownId !== '' && ownId !== runId) {
      throw new TrainingError(
        'RUN_MISMATCH',
        `worker ${workerId} belongs to run ${ownRun} (id ${ownId}), this coordinator leads run ${run} (id ${runId}); ` +
          'a worker serves one run in its life: start another one',
      );
    }
    const keys = this.#token.join(this.hello, { run, runId, term, nonce });
    if (!isSameSecret(keys.coordinatorProof, proof)) {
      throw new TrainingError(
        'TOKEN_INVALID',
        `the coordinator of run ${run} (id ${runId}) has another token than this worker; ` +
          "copy run.token from the run's folder again, and name the copy with FACET_RUN_TOKEN_FILE",
      );
    }
    const previousProof = this.#previous?.nextProof(keys) ?? new Uint8Array();
    this.#keys = keys;
    return { proof: { proof: Buffer.from(keys.workerProof), previousProof: Buffer.from(previousProof) } };
  }

  /** What shows on a later stream that this one was of the same process; undefined before the coordinator's proof. */
  nextProof(next: JoinKeys): Uint8Array | undefined {
    return this.#keys?.proofForNext(next);
  }

  /** @throws TrainingError TOKEN_INVALID when they were not sealed for this stream; VERSION_MISMATCH. */
  openWelcome(sealed: Uint8Array): WelcomeSecrets {
    return decodeWelcomeSecrets(this.open(WELCOME_LABEL, sealed));
  }

  /** @throws TrainingError TOKEN_INVALID when it was not sealed for this stream under this label. */
  open(label: string, sealed: Uint8Array): Uint8Array {
    if (this.#keys === undefined)
      throw new TrainingError('TOKEN_INVALID', `${label} came before the coordinator's proof`);
    return this.#keys.open(label, sealed);
  }
}
