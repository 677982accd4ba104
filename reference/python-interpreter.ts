/**
 * The Python that the numbers are made with: the one that FACET_PYTHON names, else python3, if it has the packages. Tests
 * that need it are skipped without it, and say so.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';

const PACKAGES = ['torch', 'numpy', 'scipy', 'safetensors', 'onnxruntime'];
const SCRIPTS = new URL('python/', import.meta.url);

export interface PythonResult {
  readonly code: number;
  /** What it printed on stdout and stderr. */
  readonly output: string;
}

const interpreter = process.env['FACET_PYTHON'] ?? 'python3';

/** Runs a script of reference/python. */
export async function runPython(script: string, ...args: readonly string[]): Promise<PythonResult> {
  return execute([fileURLToPath(new URL(script, SCRIPTS)), ...args]);
}

/** Skips the test, with the reason, when there is no Python with the packages; default: those that make the numbers. */
export async function requirePython(context: TestContext, packages: readonly string[] = PACKAGES): Promise<void> {
  const looks = packages.map((name) => `importlib.util.find_spec("${name}") or missing.append("${name}")`).join('; ');
  const { code, output } = await execute(['-c', `import importlib.util; missing = []; ${looks}; print(*missing)`]);
  if (code !== 0) context.skip(`${interpreter} does not run; FACET_PYTHON names a Python with ${packages.join(', ')}`);
  const missing = output.trim();
  if (missing !== '') context.skip(`${interpreter} has no ${missing}; FACET_PYTHON names a Python that does`);
}

async function execute(args: readonly string[]): Promise<PythonResult> {
  return new Promise((resolve) => {
    execFile(interpreter, ['-B', ...args], { timeout: 120_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
      resolve({ code, output: stdout + stderr });
    });
  });
}
