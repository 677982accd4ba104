import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { decodePeerList, encodePeerList } from './peer-list.js';

const peers = Array.from({ length: 1_000 }, (_, rank) => ({
  workerId: `node-${rank >> 3}.example.org-${4_000 + rank}-${(rank * 7_919).toString(16)}`,
  exchangeAddress: `10.0.${rank >> 8}.${rank & 255}:${20_000 + rank}`,
}));

test('comes back as it was, in its order', () => {
  expect(decodePeerList(encodePeerList(peers))).toEqual(peers);
  expect(decodePeerList(encodePeerList([]))).toEqual([]);
});

test('takes less than half of the bytes of a list that is not deflated', () => {
  expect(encodePeerList(peers).length).toBeLessThan(JSON.stringify(peers.map(Object.values)).length / 2);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['noise', Buffer.from('ffffffffffff', 'hex')],
  ['something else', deflateRawSync('{"peers":3}')],
  ['a list of something else', deflateRawSync('[["w"]]')],
  ['more than fits into memory', deflateRawSync(Buffer.alloc(64 * 1024 * 1024))],
])('%s is refused', (_, bytes) => {
  expect(() => decodePeerList(bytes)).toThrow(expect.objectContaining({ code: 'VERSION_MISMATCH' }));
});
