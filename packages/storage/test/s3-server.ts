/**
 * Servers that speak S3 and that others wrote, each in a process of its own on a free port: moto (`pip install 'moto[server]'`) and
 * s3rver, which `npm test` puts into the cache. Tests of S3 run against those that are here; one that is not is skipped, visibly.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { AwsV4Signer } from 'aws4fetch';
import { describe, it } from 'vitest';
import { readLogin } from '../src/s3/s3-login.js';

export interface S3Server {
  /** The environment of a process that uses it. */
  readonly env: Readonly<Record<string, string>>;
  readonly endpoint: string;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server with one bucket. */
export type StartS3Server = (bucket: string) => Promise<S3Server>;

/** One server that somebody wrote. */
interface Product {
  readonly name: string;
  /** Undefined where it is not here. */
  readonly start: StartS3Server | undefined;
  /** Why its tests are skipped. */
  readonly missing: string;
}

/** What a server says first: the port on which it listens. It ends when its stdin does. */
const MOTO = `
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
`;
const S3RVER = `
const [folder, directory] = process.argv.slice(1);
const S3rver = require(folder);
const server = new S3rver({ address: '127.0.0.1', port: 0, silent: true, directory });
server.run().then(({ port }) => console.log(port));
process.stdin.resume().on('end', () => process.exit());
`;
const START_MS = 30_000;

function moto(): Product {
  const candidates = [process.env['FACET_PYTHON'] ?? '', 'python3'].filter((python) => python !== '');
  const asked = ['-c', 'import moto.server, flask'];
  const python = candidates.find((each) => spawnSync(each, asked, { timeout: START_MS }).status === 0);
  const keys = { AWS_ACCESS_KEY_ID: 'test-key', AWS_SECRET_ACCESS_KEY: 'test-secret' };
  return {
    name: 'moto',
    start: python === undefined ? undefined : (bucket) => startServer([python, '-c', MOTO], { bucket, keys }),
    missing: "no Python here has moto: `pip install 'moto[server]'`, and name that Python by FACET_PYTHON",
  };
}

function s3rver(): Product {
  const folder = process.env['FACET_S3RVER'];
  // It knows no others.
  const keys = { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };
  const start: StartS3Server = async (bucket) => {
    const directory = await mkdtemp(path.join(tmpdir(), 'facet-s3rver-'));
    const command = [process.execPath, '-e', S3RVER, '--', folder ?? '', directory];
    return startServer(command, { bucket, keys, directory });
  };
  return {
    name: 's3rver',
    start: folder === undefined ? undefined : start,
    missing: 'there is no s3rver: `npm test` installs it into the cache, if it can, and names it by FACET_S3RVER',
  };
}

/** Tests that need an S3 server, against each one that is known here. */
export function describeWithEveryS3(name: string, body: (start: StartS3Server, product: string) => void): void {
  for (const { name: product, start, missing } of [moto(), s3rver()]) {
    const title = `${name} (${product})`;
    if (start === undefined) it(title, ({ skip }) => skip(missing));
    else {
      describe(title, () => {
        body(start, product);
      });
    }
  }
}

/** Tests that need any S3 server. */
export function describeWithS3(name: string, body: (start: StartS3Server) => void): void {
  const products = [moto(), s3rver()];
  const start = products.find((product) => product.start !== undefined)?.start;
  if (start === undefined) it(name, ({ skip }) => skip(products.map(({ missing }) => missing).join('; ')));
  else {
    describe(name, () => {
      body(start);
    });
  }
}

interface Wanted {
  readonly bucket: string;
  readonly keys: Readonly<Record<string, string>>;
  /** Where it keeps what it is given; removed with it. */
  readonly directory?: string;
}

async function startServer([command = '', ...args]: readonly string[], wanted: Wanted): Promise<S3Server> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  const gone = new Promise((resolve) => child.once('exit', resolve));
  const port = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the S3 server of ${command} named no port within ${START_MS} ms`));
    }, START_MS);
    createInterface(child.stdout).once('line', (line) => {
      clearTimeout(late);
      resolve(line);
    });
    child.once('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`the S3 server of ${command} ended with ${code}`));
    });
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const env = { ...wanted.keys, AWS_ENDPOINT_URL_S3: endpoint };
  await makeBucket(env, wanted.bucket);
  return {
    endpoint,
    env,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      child.kill('SIGKILL');
      await gone;
      if (wanted.directory !== undefined) await rm(wanted.directory, { recursive: true, force: true });
    },
  };
}

/** Signed, which not every server asks for. */
export async function makeBucket(env: Readonly<Record<string, string>>, bucket: string): Promise<void> {
  const { endpoint, region, accessKeyId, secretAccessKey } = await readLogin(env);
  const place = { method: 'PUT', url: `${endpoint}/${bucket}`, region, service: 's3' };
  const signer = new AwsV4Signer({ ...place, accessKeyId, secretAccessKey });
  const { url, method, headers } = await signer.sign();
  const made = await fetch(url, { method, headers, signal: AbortSignal.timeout(START_MS) });
  if (!made.ok) throw new Error(`no bucket: ${made.status} ${await made.text()}`);
}
