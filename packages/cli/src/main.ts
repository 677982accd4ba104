/**
 * The `facet` command: gives one command line the streams, the environment and the signals of its process, and ends the
 * process: the only place that does.
 */
import { fileURLToPath } from 'node:url';
import { commandName, namingStream } from './command-name.js';
import type { CliContext } from './context.js';
import { EXIT } from './exit-codes.js';
import { closeStandardStreams, isReaderGone, watchOutput } from './output-streams.js';
import { runCommandLine } from './program.js';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

const args = process.argv.slice(2);
const name = ownName();

const context: CliContext = {
  env: process.env,
  stdout: namingStream(process.stdout, name),
  stderr: namingStream(process.stderr, name),
  stdin: process.stdin,
  onStopSignal(stop) {
    for (const signal of STOP_SIGNALS) process.on(signal, stop);
    return () => {
      for (const signal of STOP_SIGNALS) process.off(signal, stop);
    };
  },
  onCheckpointSignal(ask) {
    process.on('SIGUSR1', ask);
    return () => process.off('SIGUSR1', ask);
  },
  onParentGone(gone) {
    process.stdin.once('end', gone).once('close', gone).once('error', gone).resume();
  },
  exit: (code) => process.exit(code),
};

// A lost terminal ends no command: hours of training may hang on it. Node takes back the protection of `nohup` when it
// starts, so that one cannot be told from the other.
let isTerminalLost = false;
process.on('SIGHUP', () => {
  isTerminalLost = true;
});
const outputs = [process.stdout, process.stderr].map(watchOutput);

const code = await runCommandLine(args, context);
// A stream that is a pipe may still hold text; anything else that keeps the process alive is over.
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
if (isTerminalLost || outputs.some(({ failure }) => failure?.code === 'EIO')) closeStandardStreams();
const isWritten = outputs.every((output) => output.failure === undefined || isReaderGone(output.failure));
process.exit(code === EXIT.ok && !isWritten ? EXIT.failed : code);

function ownName(): string {
  // What a child of ours says is read by its parent, who knows better.
  if (args.includes('--exit-with-parent')) return 'facet';
  const launcher = fileURLToPath(new URL('../bin/facet.mjs', import.meta.url));
  return commandName({ script: process.argv[1] ?? launcher, launcher, cwd: process.cwd(), env: process.env });
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => {
      resolve();
    });
  });
}
