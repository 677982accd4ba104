/**
 * One child process of `facet up`: a group of its own, so that Ctrl-C in the terminal reaches only us and we decide the
 * order of things; a pipe as stdin, whose end tells it that we are gone; and its output in a log file. It never outlives us.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, closeSync, fstatSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { PRIVATE_FILE } from '@facet/shared';

export interface ChildSpec {
  /** For messages: `coordinator`, `worker-0`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Standard output and error are appended to it. */
  readonly logFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** How a process ended; `code` is what a shell would report. */
export interface ChildEnd {
  readonly code: number;
  readonly signal: NodeJS.Signals | undefined;
}

export interface Child {
  readonly name: string;
  readonly logFile: string;
  /** Where in the log file this process began to write. */
  readonly logStart: number;
  /** Undefined when the process could not be started. */
  readonly pid: number | undefined;
  /** Resolves when the process is gone; never rejects. */
  readonly ended: Promise<ChildEnd>;
  /** Undefined while the process runs. */
  end(): ChildEnd | undefined;
  /** Sends a signal to the process alone. */
  signal(name: NodeJS.Signals): void;
  /** Closes its stdin: the process is meant to end by itself. */
  release(): void;
  /** Kills the process and whatever it started. */
  kill(): void;
}

const NOT_STARTED = 127;

/** Starts a child. A command that cannot be started is a child that ended with 127. */
export function startChild({ name, command, args, logFile, env }: ChildSpec): Child {
  const log = openSync(logFile, 'a', PRIVATE_FILE);
  const logStart = fstatSync(log).size;
  const child = spawn(command, args, { detached: true, stdio: ['pipe', log, log], env });
  closeSync(log);
  return watchChild(child, {
    name,
    logFile,
    logStart,
    // Where whoever looks for the reason of its end looks for it.
    onNotStarted: (reason) => {
      appendFileSync(logFile, `cannot start ${command}: ${reason}\n`);
    },
  });
}

/** A process that was spawned as the leader of a group of its own, with a pipe as stdin. */
export function watchChild(
  child: ChildProcess,
  {
    onNotStarted,
    ...place
  }: Pick<Child, 'name' | 'logFile' | 'logStart'> & { readonly onNotStarted: (reason: string) => void },
): Child {
  // Writing to a process that is gone is no news: its end is.
  child.stdin?.on('error', () => undefined);
  let end: ChildEnd | undefined;
  const ended = new Promise<ChildEnd>((resolve) => {
    const finish = (value: ChildEnd): void => {
      end ??= value;
      resolve(end);
    };
    child.once('error', ({ message }) => {
      if (child.pid !== undefined) return;
      onNotStarted(message);
      finish({ code: NOT_STARTED, signal: undefined });
    });
    child.once('exit', (code, signal) => {
      finish({ code: code ?? 128 + (signal === null ? 0 : constants.signals[signal]), signal: signal ?? undefined });
    });
  });
  return {
    ...place,
    pid: child.pid,
    ended,
    end: () => end,
    signal: (signal) => void child.kill(signal),
    release: () => child.stdin?.end(),
    kill: () => {
      if (end === undefined && child.pid !== undefined) killGroup(child.pid);
    },
  };
}

/** Waits for the end of a child for so long; true when it has ended. */
export async function endsWithin(child: Child, limitMs: number): Promise<boolean> {
  if (child.end() !== undefined) return true;
  const timer = new AbortController();
  const late = delay(limitMs, undefined, { signal: timer.signal }).catch(() => undefined);
  await Promise.race([child.ended, late]);
  timer.abort();
  return child.end() !== undefined;
}

/** `exit code 1`, `SIGKILL`. */
export function describeEnd({ code, signal }: ChildEnd): string {
  return signal ?? `exit code ${code}`;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone between the check and the signal.
  }
}
