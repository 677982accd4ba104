// Starts child processes for the scripts: quietly, with one progress line (npm ci, tsc), or in the foreground, with our
// stdio (facet, vitest). Either way SIGINT, SIGTERM and SIGHUP reach the child, and its exit code reaches our caller.

import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ROOT } from './repository.mjs';
import { ScriptError, formatSeconds, say } from './say.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** One signal that arrives over two ways (npm forwards what the terminal also sent) arrives within this time. */
const SAME_SIGNAL_MS = 500;

const ORPHAN_CHECK_MS = 500;

/**
 * Runs a command and shows `TITLE ... 31 s` on stderr. Its output appears only if it fails; then a ScriptError holds it
 * together with `advice`.
 */
export async function runQuietly(title, command, args, { env = process.env, advice } = {}) {
  process.stderr.write(`${title} ... `);
  const startedAtMs = Date.now();
  const child = spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  child.stdout.on('data', (bytes) => output.push(bytes));
  child.stderr.on('data', (bytes) => output.push(bytes));
  const { code, received, error } = await waitFor(child, { killAfterMs: 2_000 });
  const took = formatSeconds(Date.now() - startedAtMs);
  if (received !== undefined) {
    say('interrupted');
    process.exit(signalExitCode(received));
  }
  if (code === 0) return say(took);
  say(`failed after ${took}`);
  const told = error?.message ?? Buffer.concat(output).toString('utf8').trim();
  throw new ScriptError(
    [told, `\`${[command, ...args].join(' ')}\` exited with ${code}, expected 0.`, advice].filter(Boolean).join('\n'),
  );
}

/** Runs a command with our stdin, stdout and stderr and returns the exit code that a shell would report. */
export async function runForeground(command, args, { env = process.env, stdio = 'inherit' } = {}) {
  const child = spawn(command, args, { cwd: ROOT, env, stdio });
  const { code, error } = await waitFor(child);
  if (error !== undefined) say(`\`${command}\` could not be started: ${error.message}`);
  return code;
}

/**
 * Waits for the end of a child and meanwhile forwards signals to it; `killAfterMs` is for a child that has nothing to
 * save and may take long to notice (npm).
 */
function waitFor(child, { killAfterMs } = {}) {
  let received;
  let forwardedAtMs = -Infinity;
  const forward = (signal) => {
    received = signal;
    if (killAfterMs !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfterMs).unref();
    // Ctrl+C in a terminal reaches every process of the group: the child has its own SIGINT already.
    if (signal === 'SIGINT' && process.stdin.isTTY) return;
    const nowMs = Date.now();
    if (nowMs - forwardedAtMs < SAME_SIGNAL_MS) return;
    forwardedAtMs = nowMs;
    child.kill(signal);
  };
  for (const signal of SIGNALS) process.on(signal, forward);
  // npm hands a signal to the shell between us, which dies of it and tells nobody: being orphaned is the sign.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.env.npm_lifecycle_event && process.ppid !== parent && received === undefined) forward('SIGTERM');
  }, ORPHAN_CHECK_MS);
  return new Promise((resolve) => {
    const finish = (result) => {
      clearInterval(watch);
      for (const signal of SIGNALS) process.off(signal, forward);
      resolve({ ...result, received });
    };
    child.once('error', (error) => finish({ code: 127, error }));
    child.once('close', (code, signal) => finish({ code: code ?? signalExitCode(signal) }));
  });
}

function signalExitCode(signal) {
  return 128 + (constants.signals[signal] ?? 0);
}
