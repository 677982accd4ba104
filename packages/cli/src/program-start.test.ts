/** What a command waits for before it begins: nothing that only a training needs. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);

// tfjs keeps its engine and kernels under this name, whichever copy was loaded first.
const SAYS_WHETHER_LOADED = "console.log('_tfGlobals' in globalThis)";

// Compiled code in tests too: src and dist lie beside each other.
it.each([
  ['the command line', new URL('../dist/program.js', import.meta.url).href],
  ['a coordinator', '@facet/coordinator'],
])('%s loads no TensorFlow.js', { timeout: 60_000 }, async (_, module) => {
  const code = `await import('${module}'); ${SAYS_WHETHER_LOADED}`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: import.meta.dirname });
  expect(stdout).toBe('false\n');
});

it('finds TensorFlow.js where it is loaded', { timeout: 60_000 }, async () => {
  const code = `await import('@facet/task'); ${SAYS_WHETHER_LOADED}`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { cwd: import.meta.dirname });
  expect(stdout).toContain('true\n');
});
