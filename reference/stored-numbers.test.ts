/** Where there is a Python with the packages, the numbers are made again and compared with what is stored. */
import { expect, it } from 'vitest';
import { requirePython, runPython } from './python-interpreter.js';

it('Python makes the numbers that are stored', { timeout: 150_000 }, async (context) => {
  await requirePython(context);
  const { code, output } = await runPython('make_numbers.py', '--check');
  expect(code, output).toBe(0);
});
