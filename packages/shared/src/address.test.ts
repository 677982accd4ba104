import { expect, it } from 'vitest';
import { formatAddress, parseAddress } from './address.js';

it.each([
  ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
  ['node-3.cluster.local:40001', { host: 'node-3.cluster.local', port: 40_001 }],
  ['[::1]:80', { host: '::1', port: 80 }],
])('%s', (address, expected) => {
  expect(parseAddress(address)).toEqual(expected);
  expect(formatAddress(expected.host, expected.port)).toBe(address);
});
