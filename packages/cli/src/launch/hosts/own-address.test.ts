import { expect, it } from 'vitest';
import { addressForHosts, listenAddress, parseConnection } from './own-address.js';

const of = (host: string, client: string): { host: string; client: string; server: string } => ({
  host,
  client,
  server: '10.0.0.9',
});

it('reads both ends of a connection', () => {
  expect(parseConnection('h2', '::ffff:10.0.0.1 51234 ::ffff:10.0.0.2 22')).toEqual({
    host: 'h2',
    client: '10.0.0.1',
    server: '10.0.0.2',
  });
  expect(parseConnection('h2', '')).toBeUndefined();
});

it('takes the address that all hosts see, and leaves this machine itself aside', () => {
  expect(addressForHosts([of('here', '127.0.0.1'), of('h2', '10.0.0.1')], ['10.0.0.1'])).toBe('10.0.0.1');
  expect(addressForHosts([of('here', '::1')], [])).toBe('127.0.0.1');
});

it('asks where hosts differ, or see an address of somebody else', () => {
  expect(() => addressForHosts([of('h2', '10.0.0.1'), of('h3', '10.1.0.1')], ['10.0.0.1', '10.1.0.1'])).toThrow(
    /h2 sees this machine at 10\.0\.0\.1, h3 at 10\.1\.0\.1; say at which address/,
  );
  expect(() => addressForHosts([of('h2', '192.0.2.1')], ['10.0.0.1'])).toThrow(
    /which is no address of this machine \(10\.0\.0\.1\)/,
  );
});

it('lets workers listen where ssh reached their host, and beside the coordinator on this machine', () => {
  expect(listenAddress(of('h2', '10.0.0.1'), '10.0.0.1')).toBe('10.0.0.9');
  expect(listenAddress({ host: 'here', client: '127.0.0.1', server: '127.0.0.1' }, '10.0.0.1')).toBe('10.0.0.1');
});
