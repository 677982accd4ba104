/**
 * Encrypts and authenticates small secrets with AES-256-GCM: 12 random bytes, the ciphertext, the tag of 16 bytes. The label
 * says what is inside, so that one sealed message cannot stand for another. A key seals far fewer messages than the 2^32 that
 * random nonces allow (NIST SP 800-38D, 8.3).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { TrainingError } from '../errors.js';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param key 32 bytes */
export function sealBytes(key: Uint8Array, label: string, bytes: Uint8Array): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(Buffer.from(label));
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** @throws TrainingError TOKEN_INVALID when it was not sealed with this key and label. */
export function openSealed(key: Uint8Array, label: string, sealed: Uint8Array): Buffer {
  try {
    const tagAt = sealed.length - TAG_BYTES;
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(label));
    decipher.setAuthTag(sealed.subarray(tagAt));
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, tagAt)), decipher.final()]);
  } catch (caught) {
    throw new TrainingError(
      'TOKEN_INVALID',
      `${label} of ${sealed.length} bytes was not sealed by the coordinator of this stream; something between the two changes messages`,
      { cause: caught },
    );
  }
}
