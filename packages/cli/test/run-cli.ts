/**
 * Runs the command, with a runs folder of its own and without the configuration of whoever runs the tests: the built one as
 * a child process, as a user does, or the one in the sources in this process, which takes a tenth of the time.
 */
import { execFile } from 'node:child_process';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { withoutConfigVariables } from '@facet/shared';
import type { OutputStream } from '../src/context.js';
import { runCommandLine } from '../src/program.js';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const DEADLINE_MS = 25_000;

export interface CliEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

type Variables = Readonly<Record<string, string>>;

/** Runs `facet ARGS` to its end as a process. */
export function runCli(args: readonly string[], env: Variables): Promise<CliEnd> {
  const options = { env: variables(env), timeout: DEADLINE_MS };
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}

/** Runs `facet ARGS` to its end in this process: for commands that are refused, and start nothing that could outlive them. */
export async function runInProcess(args: readonly string[], env: Variables): Promise<CliEnd> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const told = Promise.all([text(stdout), text(stderr)]);
  const code = await runCommandLine(args, {
    env: variables(env),
    stdout: stdout as unknown as OutputStream,
    stderr: stderr as unknown as OutputStream,
    stdin: new PassThrough(),
    onStopSignal: () => () => undefined,
    onCheckpointSignal: () => () => undefined,
    onParentGone: () => undefined,
    exit: (early) => {
      throw new Error(`facet ${args.join(' ')} ended its process early, with ${early}`);
    },
  });
  stdout.end();
  stderr.end();
  const [out, errors] = await told;
  return { code, stdout: out, stderr: errors };
}

function variables(env: Variables): NodeJS.ProcessEnv {
  return { ...withoutConfigVariables(process.env), NO_COLOR: '1', ...env };
}
