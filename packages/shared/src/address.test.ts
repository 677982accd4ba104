import { expect, it } from 'vitest';
import { formatAddress, parseAddress, parseHost } from './address.js';

it.each([
  ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
  ['node-3.cluster.local:40001', { host: 'node-3.cluster.local', port: 40_001 }],
  ['[::1]:80', { host: '::1', port: 80 }],
])('%s', (address, expected) => {
  expect(parseAddress(address)).toEqual(expected);
  expect(formatAddress(expected.host, expected.port)).toBe(address);
});

it.each([
  ['node-7', { host: 'node-7' }],
  ['node-7:5000', { host: 'node-7', port: 5_000 }],
  ['10.0.0.5', { host: '10.0.0.5' }],
  ['[fd00::5]:5000', { host: 'fd00::5', port: 5_000 }],
  ['[fd00::5]', { host: 'fd00::5' }],
  ['fd00::5', { host: 'fd00::5' }],
  ['::1', { host: '::1' }],
  ['[fe80::1%eth0]:80', { host: 'fe80::1%eth0', port: 80 }],
])('takes %s apart', (text, expected) => {
  expect(parseHost(text)).toEqual(expected);
});

it.each(['', ':80', 'a:0', 'a:65536', 'a:b', 'http://a', 'a/b', 'a b', '[::1', '[node-7]:80', 'user@host', 'a:1:2'])(
  'takes %j for no host',
  (text) => {
    expect(parseHost(text)).toBeUndefined();
  },
);
