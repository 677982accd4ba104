import { expect, it, test } from 'vitest';
import { readOrder } from './certificate-order.js';

const GOOD = { roles: ['worker'], hosts: ['*.example', '10.0.0.7', '::1', 'node-1'], days: '90' };

it('reads roles, a name, hosts and days', () => {
  expect(readOrder({ ...GOOD, name: 'gpu-3' })).toEqual({
    grants: [{ role: 'worker', name: 'gpu-3' }],
    hosts: GOOD.hosts,
    days: 90,
  });
  expect(readOrder({ roles: ['status', 'operator'], hosts: [], days: '1' }).grants).toHaveLength(2);
});

test.each([
  [{ roles: ['wrker'] }, /--role: 'wrker', expected one of .*; did you mean worker\?/],
  [{ name: 'a.b' }, /--name: 'a\.b', expected up to 64 letters/],
  [{ roles: ['broker'], name: 'a' }, /--name: only a worker has one/],
  [{ hosts: ['a b'] }, /--host: 'a b', expected a name such as/],
  [{ hosts: ['https://a'] }, /--host: 'https:\/\/a'/],
  [{ hosts: ['a.*.example'] }, /--host: 'a\.\*\.example'/],
  [{ hosts: [] }, /--host: missing, expected every name and address/],
  [{ days: '0' }, /--days: '0', expected a whole number from 1 to 3650/],
  [{ days: '1e3' }, /--days: '1e3'/],
])('refuses %j', (wrong, message) => {
  expect(() => readOrder({ ...GOOD, ...wrong })).toThrow(message);
});

it('lists everything that is wrong', () => {
  expect(() => readOrder({ roles: ['x'], hosts: ['/'], days: 'x' })).toThrow(/--role.*\n--host.*\n--days/);
});
