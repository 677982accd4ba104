/**
 * A program that a test runs: its output is kept for the message of a failure, and it is gone when the test lets go of it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The signal that ends it in order, and how long it may take before it is killed. */
  readonly stop: { readonly signal: NodeJS.Signals; readonly limitMs: number };
}

export interface Child extends AsyncDisposable {
  readonly process: ChildProcess;
  /** What it has written to stdout and stderr so far. */
  output(): string;
  /** Throws with its output when it has ended. */
  requireRunning(): void;
}

/** Starts a program. */
export function startChild({ command, args, env = process.env, stop }: ChildOptions): Child {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  child.on('error', (error) => {
    output += `${error.message}\n`;
  });
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
  return {
    process: child,
    output: () => output,
    requireRunning() {
      if (!hasEnded()) return;
      throw new Error(`${command} ended with ${child.exitCode ?? child.signalCode}: ${output}`);
    },
    async [Symbol.asyncDispose]() {
      if (hasEnded()) return;
      const ended = once(child, 'exit');
      child.kill(stop.signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), stop.limitMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
