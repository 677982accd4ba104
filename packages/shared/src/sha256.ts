/** SHA-256 of what comes in parts, with its value at any time in between. */
import { createHash } from 'node:crypto';

export interface RunningSha256 {
  update(bytes: Uint8Array): void;
  /** 64 lower-case hex digits over everything so far. */
  hex(): string;
}

export function startSha256(): RunningSha256 {
  const hash = createHash('sha256');
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.copy().digest('hex'),
  };
}
