/** A token: one word, long enough that nobody guesses it, which is masked wherever it is not asked for by name. */
import { createHmac, randomBytes } from 'node:crypto';
import { TrainingError } from '../errors.js';

const LEAST_CHARACTERS = 20;
const MOST_CHARACTERS = 1_024;
const RANDOM_BYTES = 32;

export abstract class SecretToken {
  readonly #text: string;
  readonly #name: string;

  /**
   * @param name what it is, in messages
   * @throws TrainingError TOKEN_INVALID when the text cannot be a token; the text is not in the message.
   */
  constructor(text: string, name: string) {
    this.#text = secretWord(text, name);
    this.#name = name;
  }

  /** The token itself, for the file that keeps it. */
  reveal(): string {
    return this.#text;
  }

  /** What proofs are made with: who sees it does not know the token. */
  protected get proofKey(): Uint8Array {
    return createHmac('sha256', this.#text).update(this.#name).digest();
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }
}

function secretWord(text: string, name: string): string {
  const word = text.trim();
  if (!/^[\x21-\x7e]*$/.test(word)) {
    throw new TrainingError(
      'TOKEN_INVALID',
      `the ${name} has spaces or characters that are not printable ASCII; expected one word`,
    );
  }
  if (word.length >= LEAST_CHARACTERS && word.length <= MOST_CHARACTERS) return word;
  throw new TrainingError(
    'TOKEN_INVALID',
    `the ${name} has ${word.length} characters, expected ${LEAST_CHARACTERS} to ${MOST_CHARACTERS}; make one with \`openssl rand -hex 32\``,
  );
}

/** A word that nobody can guess. */
export function randomWord(): string {
  return randomBytes(RANDOM_BYTES).toString('base64url');
}
