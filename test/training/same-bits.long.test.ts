/** One result in more worlds, with more optimizers and formats than same-bits.test.ts has time for. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkspace, parseJson, processesWith, type Workspace } from '../testkit/facet.js';
import { ATTACKED, CLEAN, expectSameWeights, RECIPE, up } from '../testkit/small-run.js';

let workspace: Workspace;
let expectedSha256: string;

beforeAll(async () => {
  workspace = await openWorkspace();
  expectedSha256 = parseJson(await workspace.run(up('alone', 1))).weightsSha256;
}, 120_000);

afterAll(async () => {
  expect(await processesWith(workspace.folder)).toEqual([]);
  await workspace[Symbol.asyncDispose]();
});

it.each([3, 4])('the weights are the same bits with %i workers as with one', { timeout: 120_000 }, async (workers) => {
  const result = await workspace.run(up(`with-${workers}`, workers));
  expect(result.code, result.stderr).toBe(0);
  expect(parseJson(result)).toMatchObject({ weightsSha256: expectedSha256, workers, ledger: CLEAN, faults: 0 });
});

it('attacked samples give the same weights to one worker and to four', { timeout: 180_000 }, async () => {
  const { weightsSha256 } = parseJson(await workspace.run(up('attacked-alone', 1, ...ATTACKED)));
  const four = parseJson(await workspace.run(up('attacked-4', 4, ...ATTACKED)));
  const ledger = { expected: 1400, committed: 1400, missing: 0, duplicated: 0 };
  expect(four).toMatchObject({ weightsSha256, ledger, workers: 4, faults: 0 });
});

it('gradients in int8 give other weights than exact ones', { timeout: 120_000 }, async () => {
  const rounded = parseJson(await workspace.run(up('recipe-int8', 1, ...RECIPE)));
  const exact = parseJson(await workspace.run(up('recipe-exact', 1, ...RECIPE, '--set', 'gradientFormat=fp32')));
  expect(exact.weightsSha256).not.toBe(rounded.weightsSha256);
});

it('one worker and three end with the same weights with lion and the schedule step', { timeout: 120_000 }, async () => {
  const one = await expectSameWeights(workspace, { name: 'lion', rate: '0.0006', schedule: 'step' });
  expect(one.weightsSha256).not.toBe(expectedSha256);
});
