/**
 * `facet chaos` for a few seconds: real processes, real harm, and its own verdict. How long it has to run to prove something is
 * the nightly's matter; here it must do what it says.
 */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MNIST_ON_CPU, openWorkspace, processesWith, type Workspace } from '../testkit/facet.js';

const SETTINGS = [
  ...['samples.train=1000', 'samples.test=100', 'batch.global=64', 'batch.micro=16', 'engine.threads=1'],
  // One that sleeps through the end waits that long for another coordinator.
  'timeouts.gatherMs=30000',
];
const TRAINING = [...MNIST_ON_CPU, '--epochs', '3', '--workers', '2'];

interface Report {
  readonly trials: readonly {
    readonly outcome: string;
    readonly weightsSha256: string;
    readonly violations: string[];
  }[];
  readonly faultFree: { readonly weightsSha256: string };
  readonly faults: Readonly<Record<string, number>>;
}

let workspace: Workspace;

beforeEach(async () => {
  workspace = await openWorkspace();
});

afterEach(() => workspace[Symbol.asyncDispose]());

const TOGETHER = ['--secure', '--store', 'nats', '--standby', '--brokers', '3'];

it.each([
  ['a broker and a coordinator', '0.3', []],
  ['a cluster of brokers, two coordinators without a common disk, and certificates', '0.6', TOGETHER],
])('harms %s, and finds the same bits and an exact ledger', { timeout: 600_000 }, async (_, minutes, setup) => {
  const schedule = ['--seed', '11', '--minutes', minutes, '--every', '1', ...setup];
  const set = SETTINGS.flatMap((setting) => ['--set', setting]);
  const { code, stdout, stderr } = await workspace.run(['chaos', ...schedule, ...TRAINING, ...set, '--json']);
  expect(code, `${stderr}\n${stdout}`).toBe(0);
  const { trials, faultFree, faults } = JSON.parse(stdout) as Report;
  expect(faultFree.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
  for (const trial of trials) {
    expect(trial).toMatchObject({ outcome: 'finished', weightsSha256: faultFree.weightsSha256, violations: [] });
  }
  expect(Object.values(faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(2);
  expect(await processesWith(workspace.folder)).toEqual([]);
});
