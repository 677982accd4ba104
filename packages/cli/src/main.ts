/**
 * The `facet` command. Runs one command, prints what it failed of, and ends the process: the only place that does.
 */
import { TrainingError } from '@facet/shared';
import { CommanderError } from 'commander';
import { printJson, printLine, type CliContext } from './context.js';
import { EXIT, exitCodeOf, type ExitCode } from './exit-codes.js';
import { runCommandLine } from './program.js';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const context: CliContext = {
  env: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  onStopSignal(stop) {
    for (const signal of STOP_SIGNALS) process.on(signal, stop);
    return () => {
      for (const signal of STOP_SIGNALS) process.off(signal, stop);
    };
  },
  onParentGone(gone) {
    process.stdin.once('end', gone).once('close', gone).once('error', gone).resume();
  },
  exit: (code) => process.exit(code),
};

// Whoever reads our output has gone away (`facet up | head`): there is nobody left to tell.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => process.exit(EXIT.failed));

const args = process.argv.slice(2);
const code = await runCommandLine(args, context).catch(reportFailure);
// A stream that is a pipe may still hold text; anything else that keeps the process alive is over.
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(code);

function reportFailure(caught: unknown): ExitCode {
  const isJson = args.includes('--json');
  if (caught instanceof CommanderError) {
    // Commander has printed it; help and --version are no failures.
    if (caught.exitCode === 0) return EXIT.ok;
    if (isJson) printError('CONFIG_INVALID', caught.message.replace(/^error: /, ''));
    return EXIT.usage;
  }
  const error = TrainingError.from(caught);
  const isKnown = caught instanceof TrainingError;
  printLine(process.stderr, isKnown ? `error [${error.code}]: ${error.message}` : String(stackOf(caught)));
  if (isJson) printError(error.code, error.message);
  return exitCodeOf(error);
}

function printError(errorCode: string, message: string): void {
  printJson(process.stdout, { error: { code: errorCode, message } });
}

function stackOf(caught: unknown): unknown {
  return caught instanceof Error ? (caught.stack ?? caught.message) : caught;
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}
