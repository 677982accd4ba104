import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { brokerLogin, brokerServers, brokerUrlProblem } from './broker-login.js';

test.each<[string, ReturnType<typeof brokerLogin>]>([
  ['nats://10.0.0.1:4300', { servers: ['10.0.0.1:4300'] }],
  ['nats://broker', { servers: ['broker:4222'] }],
  ['broker:4300', { servers: ['broker:4300'] }],
  ['ada:s3cret@broker:4300', { servers: ['broker:4300'], user: 'ada', pass: 's3cret' }],
  ['nats://a:1, nats://b:2,c', { servers: ['a:1', 'b:2', 'c:4222'] }],
  ['nats://ada:s3cret@a:1,nats://b:2', { servers: ['a:1', 'b:2'], user: 'ada', pass: 's3cret' }],
  ['nats://t0ken@[::1]:4300/', { servers: ['[::1]:4300'], token: 't0ken' }],
  ['nats://ada:100%@a:1', { servers: ['a:1'], user: 'ada', pass: '100%' }],
  ['nats://ada:50%zz%40%C3%BC@a:1', { servers: ['a:1'], user: 'ada', pass: '50%zz@ü' }],
  ['nats://ada:%ff@a:1', { servers: ['a:1'], user: 'ada', pass: '%ff' }],
  ['nats://ada:p:q@a:1', { servers: ['a:1'], user: 'ada', pass: 'p:q' }],
])('reads %s', (url, login) => {
  expect(brokerUrlProblem(url)).toBeUndefined();
  expect(brokerLogin(url)).toEqual(login);
});

test.each(['', 'nats://', 'nats://h:99999', 'nats://h:0', 'nats://a b', 'nats://a:1,,nats://b:2', 'nats://u:p/w@h'])(
  'refuses %s',
  (url) => {
    expect(brokerUrlProblem(url)).toContain('expected an address');
    expect(brokerServers(url).length).toBeLessThan(url.split(',').length);
  },
);

it('refuses two logins, of which the client would use one', () => {
  expect(brokerUrlProblem('nats://ada:1@a,nats://bob:2@b')).toContain('the same user and password');
  expect(brokerUrlProblem('nats://ada:1@a,nats://ada:1@b')).toBeUndefined();
});

it('brings back every user and password that was escaped', () => {
  const word = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' });
  fc.assert(
    fc.property(word, word, (user, pass) => {
      // encodeURIComponent leaves nothing that a URL reads as its own.
      const url = `nats://${encodeURIComponent(user)}:${encodeURIComponent(pass)}@broker`;
      expect(brokerLogin(url)).toEqual({ servers: ['broker:4222'], user, pass });
    }),
  );
});

it('never throws, whatever it is given', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      brokerUrlProblem(text);
      brokerLogin(text);
    }),
  );
});
