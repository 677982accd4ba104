/**
 * A process that answers one line of JSON with one line of JSON: the form of every peer and rank of the benches. Every
 * question has a deadline; a process that ends, or is late, fails the question with the last line of its standard error.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ANSWER_TIMEOUT_MS = 300_000;
const CLOSE_TIMEOUT_MS = 5_000;
/** Enough of standard error to hold its last line. */
const STDERR_CHARACTERS = 4_000;

/** The Python that has the peers. */
const PYTHON = process.env['FACET_PYTHON'] ?? 'python3';

/** Files that the benches start: compiled beside the compiled bench, or Python as it is. */
export interface PeerScript {
  readonly file: URL;
  readonly args?: readonly string[];
}

export interface Peer {
  /**
   * Asks once. What the answer holds is agreed with the script.
   *
   * @throws Error with the peer's name when it ends, is killed, or does not answer in time
   */
  ask<Answer>(question: object): Promise<Answer>;
  /** Lets the process end by itself, for some seconds; never rejects. */
  close(): Promise<void>;
}

/** Starts a script: a .py file by $FACET_PYTHON, any other by Node. The signal kills it. */
export function openPeer(name: string, { file, args = [] }: PeerScript, signal: AbortSignal): Peer {
  const path = fileURLToPath(file);
  const child = spawn(path.endsWith('.py') ? PYTHON : process.execPath, [path, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
    // Gloo must not bind to an outside address; compiled modules of bench/peers do not belong into the repository.
    env: {
      ...process.env,
      GLOO_SOCKET_IFNAME: process.platform === 'darwin' ? 'lo0' : 'lo',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-STDERR_CHARACTERS)));
  child.stdin.on('error', () => undefined); // A process that has ended is reported by `ended`.
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code, killedBy) => {
      const lastLine = stderr.trim().split('\n').at(-1) ?? '';
      resolve(lastLine === '' ? `it ended with ${killedBy ?? `exit code ${code}`}` : lastLine);
    });
  });
  const lines = createInterface({ input: child.stdout });

  return {
    async ask<Answer>(question: object): Promise<Answer> {
      const deadline = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
      const answered = once(lines, 'line', { signal: deadline }).catch(() => {
        child.kill('SIGKILL');
        throw new Error(`${name}: no answer within ${ANSWER_TIMEOUT_MS} ms`);
      });
      child.stdin.write(`${JSON.stringify(question)}\n`);
      const failed = ended.then((reason): never => {
        throw new Error(`${name}: ${reason}`);
      });
      const [line] = (await Promise.race([answered, failed])) as [string];
      return JSON.parse(line) as Answer;
    },
    async close() {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}
