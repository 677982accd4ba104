/**
 * A real nats-server for tests: its own process, port and folder, gone when the test is. It can be killed and started
 * again on the same port, as an operator would.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { watch } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

const START_TIMEOUT_MS = 10_000;

export interface TestBroker {
  readonly url: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface StartBrokerOptions {
  readonly jetStream?: boolean;
  /** The `tls` section of its configuration. */
  readonly tls?: object;
  /** More of its configuration, in the words of nats-server. */
  readonly config?: object;
  /** Bytes of the largest message; the server's own default is 1 MiB. */
  readonly maxPayload?: number;
  /** Where it listens. Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: any free one. */
  readonly port?: number;
  /** What a client must say; the broker's URL then holds them. */
  readonly login?: { readonly user: string; readonly password: string; readonly permissions?: object };
}

/** Starts a broker, on a free port of 127.0.0.1 unless it is told otherwise. */
export async function startBroker({
  jetStream = true,
  maxPayload,
  login,
  tls,
  config: more,
  host = '127.0.0.1',
  port: wantedPort = -1,
}: StartBrokerOptions = {}): Promise<TestBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'facet-broker-'));
  const config = join(folder, 'broker.conf');
  const settings = {
    ...(maxPayload !== undefined && { max_payload: maxPayload }),
    ...(tls !== undefined && { tls }),
    ...(login !== undefined && { authorization: { users: [login] } }),
    ...more,
  };
  await writeFile(config, JSON.stringify(settings));
  let child: ChildProcess | undefined;
  const launch = async (port: string): Promise<string> => {
    const args = [
      '-c',
      config,
      '-p',
      port,
      '--ports_file_dir',
      folder,
      '-a',
      host,
      ...(jetStream ? ['-js', '-sd', folder] : []),
    ];
    // `npm test` finds a broker that is not on PATH, such as in /usr/sbin of Debian, and names it so.
    const binary = process.env['NATS_SERVER_BIN'] ?? 'nats-server';
    const started = spawn(binary, args, { stdio: 'ignore' });
    child = started;
    const failed = new Promise<never>((_, reject) =>
      started.once('error', ({ message }) => {
        reject(new Error(`no broker for tests: ${message}; run \`npm test\`, or set NATS_SERVER_BIN`));
      }),
    );
    return Promise.race([failed, readPort(folder, `${basename(binary)}_${started.pid}.ports`)]);
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const gone = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await gone;
  };
  const url = new URL(await launch(String(wantedPort)));
  if (login !== undefined) Object.assign(url, { username: login.user, password: login.password });
  return {
    url: url.href,
    kill,
    async restart() {
      await kill();
      await launch(url.port);
    },
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function readPort(folder: string, name: string): Promise<string> {
  const signal = AbortSignal.timeout(START_TIMEOUT_MS);
  const changes = watch(folder, { signal });
  try {
    for (;;) {
      const changed = new Promise((resolve, reject) => {
        changes.once('change', resolve);
        changes.once('error', reject);
      });
      changed.catch(() => undefined);
      const url = (await readdir(folder)).includes(name) ? await readUrl(join(folder, name)) : undefined;
      if (url !== undefined) return url;
      await changed;
    }
  } finally {
    changes.close();
  }
}

/** The file may be seen before it is written. */
async function readUrl(path: string): Promise<string | undefined> {
  try {
    const { nats } = JSON.parse(await readFile(path, 'utf8')) as { nats?: string[] };
    return nats?.[0];
  } catch {
    return undefined;
  }
}
