import { X509Certificate } from 'node:crypto';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { createAuthority, type Authority } from './authority/authority.js';
import { WatchedPeers } from './watched-peers.js';

let authority: Authority;
let other: Authority;
let mine: X509Certificate;
let list: readonly string[];
let peers: WatchedPeers;
let ended: string[];

const issue = async (by: Authority): Promise<X509Certificate> =>
  new X509Certificate((await by.issue({ grants: [{ role: 'worker' }], hosts: [], days: 9 })).certificate);

beforeAll(async () => {
  ({ authority } = await createAuthority({ name: 'mine', days: 30 }));
  ({ authority: other } = await createAuthority({ name: 'other', days: 30 }));
  mine = await issue(authority);
  list = [await authority.revoke(undefined, [mine.serialNumber])];
});

beforeEach(() => {
  peers = new WatchedPeers();
  ended = [];
});

const watch = (certificate: X509Certificate, name: string): (() => void) =>
  peers.add(certificate, () => ended.push(name));

it('ends every connection of a revoked certificate, once, and no other', async () => {
  watch(mine, 'one');
  watch(mine, 'two');
  watch(await issue(authority), 'valid');
  expect(await peers.apply(list)).toEqual([
    expect.stringMatching(/^the certificate CN=worker \(serial \w+\) was revoked/),
  ]);
  expect(await peers.apply([...list])).toEqual([]);
  expect(ended).toEqual(['one', 'two']);
});

it('does not take the serial number of one authority for that of another', async () => {
  watch(mine, 'mine');
  expect(await peers.apply([await other.revoke(undefined, [mine.serialNumber])])).toEqual([]);
  expect(ended).toEqual([]);
});

it('compares whoever comes later with the list that is there, since its handshake may have seen the one before', async () => {
  expect(await peers.apply(list)).toEqual([]);
  watch(mine, 'late');
  expect(await peers.apply(list)).toHaveLength(1);
  expect(ended).toEqual(['late']);
});

it('forgets connections that ended by themselves', async () => {
  const forget = [watch(mine, 'one'), watch(mine, 'two')];
  forget[0]!();
  expect(peers.isEmpty).toBe(false);
  forget[1]!();
  expect(peers.isEmpty).toBe(true);
  expect(await peers.apply(list)).toEqual([]);
  expect(ended).toEqual([]);
});

it('says once that a list cannot be read, and ends nothing', async () => {
  watch(mine, 'mine');
  const failed = ['-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----'];
  await expect(peers.apply(failed)).rejects.toThrow(/ca\.crl cannot be read, so no open connection is compared/);
  expect(await peers.apply(failed)).toEqual([]);
  expect(ended).toEqual([]);
});
