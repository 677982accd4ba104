/**
 * The seal of the shards of one rank in one generation: HMAC-SHA-256 with a key that the coordinator and that rank have, cut to
 * 16 bytes, behind every message. The ids of messages come from the same key. The broker drops a message whose id it has seen, so
 * nobody else may know the ids of messages that are still to come.
 */
import { createHmac } from 'node:crypto';
import { isSameSecret } from './run-token.js';

/** Bytes of the seal behind a message. */
export const SHARD_SEAL_BYTES = 16;
const ID_DIGITS = 32;

export class ShardSeal {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** The key, for the Form of the rank. */
  reveal(): Uint8Array {
    return this.#key;
  }

  /** Writes the seal into the last SHARD_SEAL_BYTES of a message, which are free: a copy would cost more than the seal. */
  seal(message: Uint8Array): Uint8Array {
    const end = message.length - SHARD_SEAL_BYTES;
    message.set(this.#sealOf(message.subarray(0, end)), end);
    return message;
  }

  /** The message without its seal, which is a view; undefined when it is not of the coordinator. */
  open(sealed: Uint8Array): Uint8Array | undefined {
    const end = sealed.length - SHARD_SEAL_BYTES;
    if (end < 0) return undefined;
    const message = sealed.subarray(0, end);
    return isSameSecret(this.#sealOf(message), sealed.subarray(end)) ? message : undefined;
  }

  /** The id of a message for the broker, from the name that tells it from every other one. */
  idOf(name: string): string {
    return createHmac('sha256', this.#key).update('id').update(name).digest('hex').slice(0, ID_DIGITS);
  }

  #sealOf(message: Uint8Array): Uint8Array {
    return createHmac('sha256', this.#key).update('shard').update(message).digest().subarray(0, SHARD_SEAL_BYTES);
  }
}

/** The label under which the key of a generation's shards travels. */
export function shardKeyLabel(generation: number): string {
  return `the key of the shards of generation ${generation}`;
}
