/** The example layers-cnn with more numbers of workers than own-task.test.ts has time for. */
import { expect, it } from 'vitest';
import { openWorkspace, parseJson, processesWith } from '../testkit/facet.js';
import { exampleFile, LAYERS_CNN, runScript, upExample } from '../testkit/own-task.js';

it('the example layers-cnn ends with the same weights for 1, 2 and 3 workers', { timeout: 240_000 }, async () => {
  await using workspace = await openWorkspace();
  await runScript(workspace.folder, exampleFile('layers-cnn', 'make-shapes.mjs'), 'shapes', '40');
  const hashes = [];
  for (const workers of [1, 2, 3]) {
    const result = await workspace.run(upExample('layers-cnn', `shapes-${workers}`, workers, ...LAYERS_CNN));
    expect(result.code, result.stderr).toBe(0);
    const summary = parseJson(result);
    expect(summary).toMatchObject({ workers, faults: 0, ledger: { clean: true } });
    hashes.push(summary.weightsSha256);
  }
  expect(hashes).toEqual([hashes[0], hashes[0], hashes[0]]);
  expect(await processesWith(workspace.folder)).toEqual([]);
});
