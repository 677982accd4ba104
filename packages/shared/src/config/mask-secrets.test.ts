import { expect, test } from 'vitest';
import { maskUrl } from '../wire/masked-url.js';
import { maskSecrets } from './mask-secrets.js';
import { resolveConfig } from './resolve-config.js';
import { tasks } from '../../test/resolving.js';

test.each([
  ['nats://127.0.0.1:4222', 'nats://127.0.0.1:4222'],
  ['nats://ada:s3cret@broker:4222', 'nats://***@broker:4222'],
  ['nats://token@broker', 'nats://***@broker'],
  ['ada:s3cret@broker:4222', '***@broker:4222'],
  ['nats://ada:p@ss@broker', 'nats://***@broker'],
  ['nats://ada:p,ss@broker', 'nats://***@broker'],
  ['nats://a:b@one:1,nats://c:d@two:2', 'nats://***@one:1,nats://***@two:2'],
])('shows %s as %s', (url, shown) => {
  expect(maskUrl(url)).toBe(shown);
});

test('masks a configuration without changing it or anything else in it', () => {
  const url = 'nats://ada:s3cret@broker:4222';
  const resolved = resolveConfig({ tasks, environment: {}, flags: { run: 'demo', dataset: 'mnist', nats: { url } } });
  if (!resolved.ok) throw new Error(resolved.problems.join());
  const masked = maskSecrets(resolved.config);
  expect(JSON.stringify(masked)).not.toContain('s3cret');
  expect({ ...masked, nats: { url } }).toEqual(resolved.config);
  expect(resolved.config.nats.url).toBe(url);
});
