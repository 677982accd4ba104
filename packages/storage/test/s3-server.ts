/**
 * A server that speaks S3 and that others wrote: moto (`pip install 'moto[server]'`), in a process of its own on a free port.
 * Tests that need it are skipped, visibly, where no Python has it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

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

/** A Python that has moto; undefined when there is none. */
export function pythonWithMoto(): string | undefined {
  const candidates = [process.env['FACET_S3_PYTHON'], process.env['FACET_PYTHON'], 'python3'];
  return candidates.find(
    (python) => python !== undefined && spawnSync(python, ['-c', 'import moto.server, flask']).status === 0,
  );
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
    lines.once('line', resolve);
    child.once('exit', (code) => {
      reject(new Error(`the S3 server of ${python} ended with ${code}`));
    });
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const made = await fetch(`${endpoint}/${bucket}`, { method: 'PUT' });
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
