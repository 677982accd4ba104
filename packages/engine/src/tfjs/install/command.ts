/** Runs one program of the installation: without stdin, with a deadline, its lines as progress, its last lines in the error. */
import { spawn } from 'node:child_process';
import { TrainingError } from '@facet/shared';

export interface CommandOptions {
  /** The working folder. */
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Receives every line that the program prints. */
  readonly onLine?: (line: string) => void;
}

/** Lines of a failed program that its error quotes. */
const QUOTED_LINES = 6;

/**
 * Runs a program and returns what it printed on stdout.
 *
 * @throws TrainingError ENGINE_UNAVAILABLE with the program's last lines when it fails or its time is up; CANCELLED when the
 *   signal is aborted.
 */
export function runCommand(command: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const { folder, env, timeoutMs, signal, onLine } = options;
  return new Promise((resolve, reject) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    const child = spawn(command, args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    const lines: string[] = [];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    for (const stream of [child.stdout, child.stderr]) {
      splitLines(stream, (line) => {
        lines.push(line);
        if (lines.length > QUOTED_LINES) lines.shift();
        onLine?.(line);
      });
    }
    const shown = [command, ...args].join(' ');
    const fail = (how: string, cause?: unknown): void => {
      const quoted = lines.map((line) => `\n  ${line}`).join('');
      reject(new TrainingError('ENGINE_UNAVAILABLE', `\`${shown}\` ${how}${quoted}`, { cause }));
    };
    child.once('error', (error) => {
      if (signal?.aborted) reject(new TrainingError('CANCELLED', `stopped while \`${command}\` ran`));
      else if (deadline.aborted) fail(`did not end within ${timeoutMs / 1000} s`);
      else fail(`cannot be run: ${error.message}`, error);
    });
    child.once('close', (code, killedBy) => {
      if (code === 0) resolve(stdout);
      else fail(killedBy === null ? `ended with exit code ${code}` : `was ended by ${killedBy}`);
    });
  });
}

function splitLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') onLine(line.trimEnd());
  });
  stream.on('end', () => {
    if (rest.trim() !== '') onLine(rest.trimEnd());
  });
}
