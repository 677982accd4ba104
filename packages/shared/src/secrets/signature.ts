/**
 * Signatures (Ed25519, RFC 8032) that the coordinators of a run make and its workers check. A worker that knows the public half of a
 * key can make none. Every use has a key of its own, so that no text that is signed for one use means something for another.
 */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';

/** Length of a signature. */
export const SIGNATURE_BYTES = 64;
/** What stands before the 32 bytes of a key in PKCS #8 and in SubjectPublicKeyInfo (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Checks signatures of one key. */
export class SignatureVerifier {
  readonly #key: KeyObject;

  /** @param publicKey 32 bytes */
  constructor(publicKey: Uint8Array) {
    this.#key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' });
  }

  isSigned(text: string, signature: Uint8Array): boolean {
    return verify(null, Buffer.from(text), this.#key, signature);
  }
}

/** Makes signatures of one key. */
export class Signer extends SignatureVerifier {
  /** 32 bytes, for workers. */
  readonly publicKey: Uint8Array;
  readonly #private: KeyObject;

  /** @param seed 32 bytes that only coordinators of the run have */
  constructor(seed: Uint8Array) {
    const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' });
    const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(PUBLIC_PREFIX.length);
    super(publicKey);
    this.publicKey = publicKey;
    this.#private = key;
  }

  sign(text: string): Buffer {
    return sign(null, Buffer.from(text), this.#private);
  }
}
