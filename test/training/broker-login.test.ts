/** A broker that asks for a password, as it is in the URL that the run is given. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startBroker, type TestBroker } from '../../packages/coordinator/test/broker.js';
import { MNIST_ON_CPU, openWorkspace, parseJson, type Workspace } from '../testkit/facet.js';

const TRAINING = [...MNIST_ON_CPU, '--epochs', '1', '--workers', '1'];
const SETTINGS = ['samples.train=256', 'samples.test=64', 'batch.global=64'].flatMap((setting) => ['--set', setting]);

let broker: TestBroker;
let workspace: Workspace;

beforeAll(async () => {
  broker = await startBroker({ login: { user: 'facet', password: 'p@ss-word' } });
  workspace = await openWorkspace();
});

afterAll(async () => {
  await workspace[Symbol.asyncDispose]();
  await broker[Symbol.asyncDispose]();
});

it('lets in the coordinator and the workers', { timeout: 120_000 }, async () => {
  const up = await workspace.run(['up', ...TRAINING, ...SETTINGS, '--nats', broker.url, '--run', 'let-in', '--json']);
  expect(parseJson(up)).toMatchObject({ outcome: 'finished', ledger: { missing: 0, duplicated: 0 } });
});

it('is named without the password when it refuses', { timeout: 120_000 }, async () => {
  const url = broker.url.replace('facet:', 'stranger:');
  const up = await workspace.run(['up', ...TRAINING, ...SETTINGS, '--nats', url, '--run', 'kept-out']);
  expect(up.code).not.toBe(0);
  expect(up.stderr).toMatch(/BROKER_REFUSED.*refuses the login.*correct user and password/);
  expect(up.stderr).toContain('***@127.0.0.1');
  expect(up.stderr).not.toMatch(/ss-word|p@/);
});
