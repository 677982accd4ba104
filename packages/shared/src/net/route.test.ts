import { expect, it } from 'vitest';
import { isLoopback, systemRoute } from './route.js';

it.each([
  ['127.8.9.10', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['10.0.0.1', false],
  ['node-7', false],
])('knows whether %s is this machine alone', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

it.each(['127.0.0.1', 'localhost'])('finds the way to %s of this machine', async (host) => {
  const { own, other } = (await systemRoute(host, 9))!;
  expect([isLoopback(own), isLoopback(other)]).toEqual([true, true]);
});

it('finds no way to a name that nobody has', async () => {
  expect(await systemRoute('nobody.invalid', 9)).toBeUndefined();
});
