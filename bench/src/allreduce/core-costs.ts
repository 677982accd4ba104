/**
 * What one core takes for each thing that an all-reduce between workers of one host does with every byte, alone and over a
 * gradient that is larger than the cache.
 */
import { randomBytes } from 'node:crypto';
import { addFloats, bytesOf, checksum, createRingBuffer } from '@facet/collective/internal';
import { createFloatMemory } from '@facet/collective';
import { median, round } from '../figures.js';

const MEGABYTES = 25;
const MESSAGE_BYTES = 1024 * 1024;
const RING_BYTES = 2 * MESSAGE_BYTES;
const RUNS = 15;

/** Milliseconds per MB of gradient. */
export interface CoreCosts {
  /** To add it to another one. */
  readonly addMsPerMB: number;
  readonly checksumMsPerMB: number;
  /** To write it into shared memory and to read it; absent where there is none. */
  readonly memoryWriteMsPerMB?: number;
  readonly memoryReadMsPerMB?: number;
}

/** Measures them on this core, now. */
export function coreCosts(): CoreCosts {
  const { allocate } = createFloatMemory();
  const filled = (value: number): Float32Array => allocate((MEGABYTES * 1e6) / 4).fill(value);
  const [target, left, right] = [filled(0), filled(1), filled(2)];
  const bytes = bytesOf(left);
  const messages = Array.from({ length: Math.ceil(bytes.length / MESSAGE_BYTES) }, (_, index) => index * MESSAGE_BYTES);
  const overMessages = (action: (at: number, part: Uint8Array) => void) => (): void => {
    for (const at of messages) action(at, bytes.subarray(at, at + MESSAGE_BYTES));
  };
  const ring = createRingBuffer(RING_BYTES, randomBytes(16).toString('hex'));
  const costs = {
    addMsPerMB: timed(() => {
      addFloats(target, left, right);
    }),
    checksumMsPerMB: timed(overMessages((_, part) => void checksum(part))),
    ...(ring !== undefined && {
      memoryWriteMsPerMB: timed(
        overMessages((at, part) => {
          ring.write(at, part);
        }),
      ),
      memoryReadMsPerMB: timed(
        overMessages((at, part) => {
          ring.read(at, part);
        }),
      ),
    }),
  };
  ring?.close();
  return costs;
}

function timed(action: () => void): number {
  const times = Array.from({ length: RUNS }, () => {
    const startedAt = performance.now();
    action();
    return performance.now() - startedAt;
  });
  return round(median(times) / MEGABYTES);
}
