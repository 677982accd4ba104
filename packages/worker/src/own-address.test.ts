import { describe, expect, it } from 'vitest';
import { systemClock, type Route } from '@facet/shared';
import { findOwnAddress, type OwnAddressOptions } from './own-address.js';

const ELSEWHERE: Readonly<Record<string, Route>> = {
  'coordinator.example': { own: '10.0.0.6', other: '10.0.0.5' },
  '10.0.0.5': { own: '10.0.0.6', other: '10.0.0.5' },
  'fd00::5': { own: 'fd00::6', other: 'fd00::5' },
  '127.0.0.1': { own: '127.0.0.1', other: '127.0.0.1' },
};

function find(options: Partial<OwnAddressOptions>): ReturnType<typeof findOwnAddress> {
  return findOwnAddress({
    coordinatorAddresses: ['10.0.0.5:4300'],
    listenHost: undefined,
    advertisedAddress: undefined,
    clock: systemClock,
    signal: new AbortController().signal,
    routeTo: async (host) => ELSEWHERE[host],
    ...options,
  });
}

describe('the address of a worker', () => {
  it.each(['coordinator.example:4300', '10.0.0.5:4300'])(
    'is the one that reaches the coordinator at %s',
    async (at) => {
      const own = { listenHost: '10.0.0.6', advertisedHost: '10.0.0.6' };
      expect(await find({ coordinatorAddresses: [at] })).toEqual(own);
      // A standby is elsewhere: the worker must be reached from there too.
      expect(await find({ coordinatorAddresses: ['127.0.0.1:4300', at] })).toEqual(own);
    },
  );

  it('may be of IPv6, with or without brackets', async () => {
    const own = { listenHost: 'fd00::6', advertisedHost: 'fd00::6' };
    expect(await find({ coordinatorAddresses: ['[fd00::5]:4300'] })).toEqual(own);
    expect(await find({ listenHost: '[fd00::6]' })).toEqual(own);
  });

  it('is what was said', async () => {
    expect(await find({ listenHost: 'node-7' })).toEqual({ listenHost: 'node-7', advertisedHost: 'node-7' });
    const forwarded = { listenHost: '0.0.0.0', advertisedAddress: 'gateway:5000' };
    expect(await find(forwarded)).toEqual({ listenHost: '0.0.0.0', advertisedHost: 'gateway' });
  });

  it('is never told as every address of a machine, which is no address', async () => {
    expect(await find({ listenHost: '0.0.0.0' })).toEqual({ listenHost: '0.0.0.0', advertisedHost: '10.0.0.6' });
  });

  it('is every address with auto, and others are told the one that reaches the coordinator', async () => {
    const { listenHost, advertisedHost } = await find({ listenHost: 'auto' });
    expect(['::', '0.0.0.0']).toContain(listenHost);
    expect(advertisedHost).toBe('10.0.0.6');
    const ofIpv6 = await find({ listenHost: 'auto', coordinatorAddresses: ['[fd00::5]:4300'] });
    expect(ofIpv6.advertisedHost).toBe('fd00::6');
  });

  it('is told without a port where only the host differs', async () => {
    expect(await find({ listenHost: 'auto', advertisedAddress: 'node-7' })).toMatchObject({ advertisedHost: 'node-7' });
  });

  it.each([
    { listenHost: '127.0.0.1' },
    { listenHost: 'localhost' },
    { listenHost: '0.0.0.0', advertisedAddress: '[::1]:5000' },
  ])('is refused where the coordinator could not reach it: %o', async (options) => {
    await expect(find(options)).rejects.toThrow(/is reached from this machine alone.* such as 10\.0\.0\.6/);
    await expect(find({ ...options, coordinatorAddresses: ['127.0.0.1:4300'] })).resolves.toBeDefined();
  });

  it('is found once the name of a coordinator is known, and the wait is told once', async () => {
    let asked = 0;
    const told: string[] = [];
    const routeTo = async (): Promise<Route | undefined> => {
      asked += 1;
      return asked > 3 ? ELSEWHERE['10.0.0.5'] : undefined;
    };
    let nowMs = 0;
    const clock = {
      ...systemClock,
      now: () => nowMs,
      schedule: (delayMs: number, action: () => void) => {
        nowMs += delayMs;
        queueMicrotask(action);
        return () => undefined;
      },
    };
    const options = { coordinatorAddresses: ['late.example:4300'], routeTo, clock };
    const found = await find({ ...options, onWait: (reason) => void told.push(reason) });
    expect(found.advertisedHost).toBe('10.0.0.6');
    expect(told).toEqual([expect.stringMatching(/^nothing leads from this machine to late\.example:4300/)]);
    asked = -Infinity;
    await expect(find(options)).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
    expect(nowMs).toBeGreaterThan(120_000);
  });

  it('ends the wait for a coordinator when the worker is told to stop', async () => {
    const waiting = find({ coordinatorAddresses: ['unknown:1'], signal: AbortSignal.abort() });
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('is asked of the machine itself', async () => {
    const here = findOwnAddress({
      coordinatorAddresses: ['127.0.0.1:9'],
      listenHost: undefined,
      advertisedAddress: undefined,
      clock: systemClock,
      signal: new AbortController().signal,
    });
    expect(await here).toEqual({ listenHost: '127.0.0.1', advertisedHost: '127.0.0.1' });
  });
});
