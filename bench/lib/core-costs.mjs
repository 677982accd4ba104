/**
 * What one core takes for each thing that an all-reduce between workers of one host does with every byte, alone and over a gradient that is
 * larger than the cache.
 */
import { randomBytes } from 'node:crypto';
import { addFloats, checksum } from '../../packages/worker/dist/collective/float-kernels.js';
import { createFloatMemory } from '../../packages/worker/dist/collective/float-memory.js';
import { bytesOf } from '../../packages/worker/dist/collective/formats/codec.js';
import { createRingBuffer } from '../../packages/worker/dist/collective/ring-buffer.js';
import { median, round } from './figures.mjs';

const MEGABYTES = 25;
const MESSAGE_BYTES = 1024 * 1024;
const RING_BYTES = 2 * MESSAGE_BYTES;
const RUNS = 15;

/** Milliseconds per MB of gradient: to add it to another one, to check it, and to write it into shared memory and read it, where there is any. */
export function coreCosts() {
  const { allocate } = createFloatMemory();
  const [target, left, right] = [0, 1, 2].map((value) => allocate((MEGABYTES * 1e6) / 4).fill(value));
  const bytes = bytesOf(left);
  const messages = Array.from({ length: Math.ceil(bytes.length / MESSAGE_BYTES) }, (_, index) => index * MESSAGE_BYTES);
  const ring = createRingBuffer(RING_BYTES, randomBytes(16).toString('hex'));
  const overMessages = (action) => () => {
    for (const at of messages) action(at, bytes.subarray(at, at + MESSAGE_BYTES));
  };
  const costs = {
    addMsPerMB: timed(() => addFloats(target, left, right)),
    checksumMsPerMB: timed(overMessages((_, part) => checksum(part))),
    ...(ring && {
      memoryWriteMsPerMB: timed(overMessages((at, part) => ring.write(at, part))),
      memoryReadMsPerMB: timed(overMessages((at, part) => ring.read(at, part))),
    }),
  };
  ring?.close();
  return costs;
}

function timed(action) {
  const times = Array.from({ length: RUNS }, () => {
    const startedAt = performance.now();
    action();
    return performance.now() - startedAt;
  });
  return round(median(times) / MEGABYTES);
}
