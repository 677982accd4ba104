/**
 * The `facet` command: gives one command line the streams, the environment and the signals of its process, and ends the
 * process: the only place that does.
 */
import type { CliContext } from './context.js';
import { EXIT } from './exit-codes.js';
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

const code = await runCommandLine(process.argv.slice(2), context);
// A stream that is a pipe may still hold text; anything else that keeps the process alive is over.
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(code);

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}
