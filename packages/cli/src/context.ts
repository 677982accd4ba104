/**
 * The parts of its process that a command may use: streams, environment, signals. Commands return their exit code. Only
 * main.ts ends the process, and it does so early only if the parent is lost.
 */
import type { Readable } from 'node:stream';
import { visibleJson, visibleText } from '@facet/shared';
import type { ExitCode } from './exit-codes.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A stream that may be a terminal. */
export type OutputStream = NodeJS.WriteStream;

export interface CliContext {
  readonly env: Environment;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly stdin: Readable;
  /** Calls `stop` with the name of every SIGINT and SIGTERM, until the returned function is called. */
  onStopSignal(stop: (signal: NodeJS.Signals) => void): () => void;
  /** Calls `ask` at every SIGUSR1, until the returned function is called. */
  onCheckpointSignal(ask: () => void): () => void;
  /** Calls `gone` once when stdin ends: the parent that holds its other side is gone. */
  onParentGone(gone: () => void): void;
  /** Ends the process at once. */
  exit(code: ExitCode): never;
}

/** Runs one command and returns the exit code of the process. */
export type CommandAction = () => Promise<ExitCode>;

/** Prints one line, or several; nothing in it can be a command to the terminal. */
export function printLine(stream: OutputStream, line: string): void {
  stream.write(`${visibleText(line)}\n`);
}

/** Prints a line with colours of ours, in which everything else was made visible before. */
export function printStyled(stream: OutputStream, line: string): void {
  stream.write(`${line}\n`);
}

/** Prints a value as one line of JSON: the last thing that `--json` writes to stdout. */
export function printJson(stream: OutputStream, value: unknown): void {
  stream.write(`${visibleJson(value)}\n`);
}
