/** Runs vitest. A case that breaks a promise is printed with the seed that repeats it, and makes the bench fail. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Run } from '../bench.js';
import type { FuzzFigures, FuzzOptions, FuzzRow } from './definition.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
/** A test whose cases this variable multiplies is a fuzz test. */
const SCALE_VARIABLE = 'FACET_FUZZ_SCALE';
/** The lightest of them. */
const SMALL_TEST = 'packages/shared/src/wire/shard-message.test.ts';

/** What we read of vitest's JSON report. */
const reportShape = z.object({
  testResults: z.array(z.object({ name: z.string(), assertionResults: z.array(z.object({ status: z.string() })) })),
});

export const runFuzz: Run<FuzzOptions, FuzzRow, FuzzFigures, Record<string, never>> = async (
  { scale },
  { signal, isSmall },
) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-fuzz-'));
  const report = path.join(folder, 'report.json');
  const startedAt = performance.now();
  try {
    const tests = isSmall ? [SMALL_TEST] : await findFuzzTests();
    const code = await runVitest(tests, { ...process.env, [SCALE_VARIABLE]: String(scale), FACET_TEST_REPORT: report });
    signal.throwIfAborted();
    const { testResults } = reportShape.parse(JSON.parse(await readFile(report, 'utf8')));
    const rows = testResults.map(({ name, assertionResults }) => ({
      file: path.relative(ROOT, name),
      tests: assertionResults.length,
      failed: assertionResults.filter(({ status }) => status !== 'passed').length,
    }));
    const failures = rows.filter(({ failed }) => failed > 0).map(({ file }) => `${file} found a case, see above`);
    const missing = tests.filter((file) => !rows.some((row) => row.file === file));
    if (missing.length > 0) failures.push(`vitest ran no ${missing.join(', no ')}`);
    if (code !== 0 && failures.length === 0) failures.push(`vitest ended with exit code ${code}, expected 0`);
    return { rows, figures: { scale, seconds: (performance.now() - startedAt) / 1_000 }, ratios: {}, failures };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }

  /** Its own output goes to stderr: stdout is the report's. */
  function runVitest(tests: readonly string[], env: NodeJS.ProcessEnv): Promise<number | null> {
    signal.throwIfAborted();
    const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...tests], {
      cwd: ROOT,
      env,
      stdio: ['ignore', process.stderr, process.stderr],
      signal,
      killSignal: 'SIGTERM',
    });
    return new Promise((resolve) => {
      child.once('error', () => undefined); // Of the signal; the process is gone with `exit`.
      child.once('exit', resolve);
    });
  }
};

/** Every fuzz test of the packages, relative to the repository. */
async function findFuzzTests(): Promise<string[]> {
  const files = await readdir(path.join(ROOT, 'packages'), { recursive: true });
  const tests = files.filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'));
  const found = await Promise.all(
    tests.map(async (file) => {
      const text = await readFile(path.join(ROOT, 'packages', file), 'utf8');
      return text.includes(SCALE_VARIABLE) ? [path.join('packages', file)] : [];
    }),
  );
  return found.flat().sort();
}
