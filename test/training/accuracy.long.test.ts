/**
 * The promise of the quickstart, without its clock: the default preset on all of MNIST reaches 98.5 %.
 */
import { expect, it } from 'vitest';
import { openWorkspace, parseJson } from '../testkit/facet.js';

it(
  'trains MNIST with two workers to at least 98.5 %, every sample exactly once per epoch',
  { timeout: 300_000 },
  async () => {
    await using workspace = await openWorkspace();
    const result = await workspace.run(['up', '--dataset', 'mnist', '--workers', '2', '--json']);
    const summary = parseJson(result);
    expect(result.code, result.stderr).toBe(0);
    expect(summary.testAccuracy).toBeGreaterThanOrEqual(0.985);
    expect(summary.ledger).toMatchObject({
      clean: true,
      expected: 180_000,
      committed: 180_000,
      missing: 0,
      duplicated: 0,
    });
    const check = await workspace.run(['ledger', 'check', summary.run, '--json']);
    expect(check.code, check.stderr).toBe(0);
  },
);
