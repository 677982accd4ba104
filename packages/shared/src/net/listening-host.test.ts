import type { NetworkInterfaceInfo } from 'node:os';
import { expect, it } from 'vitest';
import { listeningHost, reachableHost } from './listening-host.js';

const shared = { netmask: '', mac: '', cidr: null };
const loopback: NetworkInterfaceInfo = { ...shared, family: 'IPv4', address: '127.0.0.1', internal: true };
const outer: NetworkInterfaceInfo = { ...shared, family: 'IPv4', address: '10.0.0.5', internal: false };
const linkLocal = { ...shared, family: 'IPv6', address: 'fe80::5', internal: false, scopeid: 2 } as const;
const outer6 = { ...shared, family: 'IPv6', address: 'fd00::5', internal: false, scopeid: 0 } as const;

it.each([
  ['10.0.0.5', { lo: [loopback] }, '10.0.0.5'],
  ['0.0.0.0', { lo: [loopback], eth0: [linkLocal, outer6, outer] }, '10.0.0.5'],
  ['0.0.0.0', { lo: [loopback], eth0: [outer6] }, '127.0.0.1'],
  ['0.0.0.0', { lo: [loopback] }, '127.0.0.1'],
  ['::', { lo: [loopback], eth0: [linkLocal, outer6] }, 'fd00::5'],
  ['::', {}, '::1'],
  ['[fd00::7]', { eth0: [outer] }, 'fd00::7'],
  ['auto', { lo: [loopback], eth0: [outer, outer6] }, '10.0.0.5'],
  ['auto', { lo: [loopback], eth0: [outer6] }, 'fd00::5'],
  ['auto', { lo: [loopback] }, '127.0.0.1'],
])('tells others of %s an address that they reach', (host, interfaces, told) => {
  expect(reachableHost(host, interfaces)).toBe(told);
});

it.each([
  ['auto', { lo: [loopback], eth0: [outer] }, '0.0.0.0'],
  ['auto', { lo: [loopback], eth0: [outer, linkLocal] }, '::'],
  ['[::1]', {}, '::1'],
  ['10.0.0.5', {}, '10.0.0.5'],
])('listens for %s with %o on %s', (host, interfaces, listening) => {
  expect(listeningHost(host, interfaces)).toBe(listening);
});
