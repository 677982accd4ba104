/**
 * Runs the built command as a child process, as a user does, with a runs folder of its own and without the configuration
 * of whoever runs the tests.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { withoutConfigVariables } from '@facet/shared';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const DEADLINE_MS = 25_000;

export interface CliEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `facet ARGS` to its end. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>>): Promise<CliEnd> {
  const options = { env: { ...withoutConfigVariables(process.env), NO_COLOR: '1', ...env }, timeout: DEADLINE_MS };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}
