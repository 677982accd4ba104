/**
 * A server that speaks S3 and that others wrote: moto (`pip install 'moto[server]'`), in a process of its own on a free port.
 * Tests that need it are skipped, visibly, where no Python has it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { describe, it } from 'vitest';

export const KEYS = { AWS_ACCESS_KEY_ID: 'test-key', AWS_SECRET_ACCESS_KEY: 'test-secret' };

const SERVE = `
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
`;

/** Why tests of S3 are skipped. */
const NO_MOTO = "no Python here has moto: `pip install 'moto[server]'`, and name that Python by FACET_PYTHON";
const START_MS = 30_000;

/** A Python that has moto; undefined when there is none. */
function pythonWithMoto(): string | undefined {
  const candidates = [process.env['FACET_PYTHON'] ?? '', 'python3'].filter((python) => python !== '');
  const asked = ['-c', 'import moto.server, flask'];
  return candidates.find((python) => spawnSync(python, asked, { timeout: START_MS }).status === 0);
}

/** Tests that need an S3 server; one that is skipped with the reason where there is none. */
export function describeWithS3(name: string, body: (python: string) => void): void {
  const python = pythonWithMoto();
  if (python === undefined) it(name, ({ skip }) => skip(NO_MOTO));
  else {
    describe(name, () => {
      body(python);
    });
  }
}

export interface S3Server {
  /** The environment of a process that uses it. */
  readonly env: Readonly<Record<string, string>>;
  readonly endpoint: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts the server with one bucket. */
export async function startS3Server(python: string, bucket: string): Promise<S3Server> {
  const child = spawn(python, ['-c', SERVE], { stdio: ['pipe', 'pipe', 'ignore'] });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const lines = createInterface(child.stdout);
  const port = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the S3 server of ${python} named no port within ${START_MS} ms`));
    }, START_MS);
    lines.once('line', (line) => {
      clearTimeout(late);
      resolve(line);
    });
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`the S3 server of ${python} ended with ${code}`));
    });
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const made = await fetch(`${endpoint}/${bucket}`, { method: 'PUT', signal: AbortSignal.timeout(START_MS) });
  if (!made.ok) throw new Error(`no bucket: ${made.status} ${await made.text()}`);
  return {
    endpoint,
    env: { ...KEYS, AWS_ENDPOINT_URL_S3: endpoint },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      child.kill('SIGKILL');
      await gone;
    },
  };
}
