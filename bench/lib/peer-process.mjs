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
const PYTHON = process.env.FACET_PYTHON ?? 'python3';

/** Starts a script, given by its file URL: a .mjs file by Node, a .py file by $FACET_PYTHON. */
export function openPeer(name, script, args = []) {
  const file = fileURLToPath(script);
  const child = spawn(file.endsWith('.py') ? PYTHON : process.execPath, [file, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // Gloo must not bind to an outside address; compiled modules of bench/peers do not belong into the repository.
    env: {
      ...process.env,
      GLOO_SOCKET_IFNAME: process.platform === 'darwin' ? 'lo0' : 'lo',
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-STDERR_CHARACTERS)));
  child.stdin.on('error', () => undefined); // A process that has ended is reported by `ended`.
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => {
      const lastLine = stderr.trim().split('\n').at(-1);
      resolve(lastLine === '' ? `it ended with ${signal ?? `exit code ${code}`}` : lastLine);
    });
  });
  const lines = createInterface({ input: child.stdout });

  const ask = async (question, timeoutMs = ANSWER_TIMEOUT_MS) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    const answered = once(lines, 'line', { signal: deadline }).catch(() => {
      child.kill('SIGKILL');
      throw new Error(`${name}: no answer within ${timeoutMs} ms`);
    });
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const failed = ended.then((reason) => {
      throw new Error(`${name}: ${reason}`);
    });
    const [line] = await Promise.race([answered, failed]);
    return JSON.parse(line);
  };

  const close = async () => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
    await ended;
    clearTimeout(timer);
  };
  return { ask, close };
}

/** The other end: answers every line of standard input with what `answer` returns. */
export async function servePeer(answer) {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line))));
  }
}
