/** A start that fails of a mistake before the first step leaves nothing behind: the same command, mended, may follow. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openWorkspace, type Workspace } from '../testkit/facet.js';

let workspace: Workspace;

beforeAll(async () => {
  workspace = await openWorkspace();
});

afterAll(() => workspace[Symbol.asyncDispose]());

it('is told once, with exit code 2, and the name stays free', { timeout: 120_000 }, async () => {
  const cache = { FACET_CACHE: path.join(workspace.folder, 'empty') };
  const args = ['up', '--dataset', 'mnist', '--engine', 'tensorflow', '--workers', '1', '--run', 'first'];
  const { code, stderr } = await workspace.run(args, cache);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    /error \[ENGINE_UNAVAILABLE\]: the engine tensorflow is not installed: .*facet engine install tensorflow/,
  );
  expect(stderr.split('\n').find((line) => line.startsWith('error'))).not.toContain('log:');
  expect(existsSync(path.join(workspace.runs, 'first'))).toBe(false);
});
