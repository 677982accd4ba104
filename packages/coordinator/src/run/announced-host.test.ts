import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { Route } from '@facet/shared';
import { announcedHost, type AnnouncementOptions } from './announced-host.js';

const WAYS: Readonly<Record<string, Route>> = {
  'broker.example': { own: '10.0.0.6', other: '10.0.0.5' },
  '127.0.0.1': { own: '127.0.0.1', other: '127.0.0.1' },
  'fd00::5': { own: 'fd00::6', other: 'fd00::5' },
};

function announce(place: AnnouncementOptions['place'], brokerUrl = 'nats://broker.example:4222') {
  return announcedHost({ place, brokerUrl, routeTo: async (host) => WAYS[host] });
}

describe('what others are told', () => {
  it.each([
    ['gateway', { host: 'gateway' }],
    ['gateway:31000', { host: 'gateway', port: 31_000 }],
    ['[fd00::9]:31000', { host: 'fd00::9', port: 31_000 }],
    ['fd00::9', { host: 'fd00::9' }],
  ])('is %s if somebody said so', async (advertise, told) => {
    expect(await announce({ host: '0.0.0.0', advertise })).toEqual(told);
  });

  it('is where the coordinator listens', async () => {
    expect(await announce({ host: '192.0.2.10' })).toEqual({ host: '192.0.2.10' });
    expect(await announce({ host: '[::1]' })).toEqual({ host: '::1' });
  });

  it.each(['auto', '0.0.0.0', '::'])('is the address that reaches the broker, if it listens on %s', async (host) => {
    expect(await announce({ host })).toEqual({ host: '10.0.0.6' });
    const cluster = 'nats://nobody.invalid:4222,nats://broker.example:4222';
    expect(await announce({ host }, cluster)).toEqual({ host: '10.0.0.6' });
  });

  it('is no address of IPv6 if it listens on IPv4 alone', async () => {
    expect(await announce({ host: '::' }, 'nats://[fd00::5]:4222')).toEqual({ host: 'fd00::6' });
    expect((await announce({ host: '0.0.0.0' }, 'nats://[fd00::5]:4222')).host).not.toContain(':');
  });

  it('is an address of this machine, if the broker is on it', async () => {
    const own = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
    expect(own).toContain((await announce({ host: 'auto' }, 'nats://127.0.0.1:4222')).host);
  });

  it('must be a host', async () => {
    await expect(announce({ host: 'auto', advertise: 'http://gateway' })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: "coordinator.advertise: 'http://gateway', expected HOST or HOST:PORT",
    });
  });
});
