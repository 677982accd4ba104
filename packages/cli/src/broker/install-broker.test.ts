import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { TrainingError } from '@facet/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { downloadBroker, type BrokerRelease } from './download-broker.js';
import { PINNED_BROKER_VERSION } from './find-broker.js';
import { startProxy } from '../../../shared/test/forward-proxy.js';
import { ensureBroker, type EnsureBrokerOptions } from './install-broker.js';

const VERSION = PINNED_BROKER_VERSION;
const FOLDER = `nats-server-v${VERSION}-linux-amd64`;

let root: string;
let archive: Buffer;
let server: Server;
let requests: string[];
/** How the local release server answers; a test may replace it. */
let answer: (response: ServerResponse) => void;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'facet-install-broker-'));
  archive = await packRelease(`#!/bin/sh\necho "nats-server: v${VERSION}"\n`);
  requests = [];
  answer = (response) => void response.end(archive);
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(root, { recursive: true, force: true });
});

/** A release archive laid out as the maintainers' are: one folder that holds the binary, not yet executable. */
async function packRelease(binary: string): Promise<Buffer> {
  const folder = path.join(root, 'pack', FOLDER);
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, 'nats-server'), binary, { mode: 0o644 });
  await promisify(execFile)('tar', ['-czf', path.join(root, 'release.tar.gz'), '-C', path.join(root, 'pack'), FOLDER]);
  return readFile(path.join(root, 'release.tar.gz'));
}

function release(sha256 = createHash('sha256').update(archive).digest('hex')): BrokerRelease {
  const { port } = server.address() as AddressInfo;
  return { version: VERSION, baseUrl: `http://127.0.0.1:${port}`, sha256: { 'linux-amd64': sha256 } };
}

/** A machine with nothing on it: no broker, no rights, an empty cache; tar and sh only. */
function bareMachine(): EnsureBrokerOptions {
  return {
    log: () => undefined,
    env: { PATH: path.join(root, 'bin'), FACET_CACHE: path.join(root, 'cache'), ROOT: root },
    platform: 'linux',
    arch: 'x64',
    daemonFolders: [],
    isRoot: true,
    release: release(),
  };
}

async function fakeCommand(name: string, script: string): Promise<void> {
  await mkdir(path.join(root, 'bin'), { recursive: true });
  await writeFile(path.join(root, 'bin', name), `#!/bin/sh\nPATH=/usr/bin:/bin\n${script}\n`, { mode: 0o755 });
}

const cached = (): string => path.join(root, 'cache', 'bin', `nats-server-${VERSION}`, 'nats-server');

async function failureOf(promise: Promise<unknown>): Promise<TrainingError> {
  const caught: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(caught).toBeInstanceOf(TrainingError);
  return caught as TrainingError;
}

test('downloads the pinned release once and finds it in the cache from then on', async () => {
  const machine = bareMachine();
  const broker = { path: cached(), version: VERSION, source: 'cache' };
  expect(await ensureBroker(machine)).toEqual(broker);
  expect(await ensureBroker(machine)).toEqual(broker);
  expect(requests).toEqual([`/v${VERSION}/${FOLDER}.tar.gz`]);
  expect(await readdir(path.join(root, 'cache', 'bin'))).toEqual([`nats-server-${VERSION}`]);
});

test('replaces a cached binary that does not run', async () => {
  await mkdir(path.dirname(cached()), { recursive: true });
  await writeFile(cached(), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  expect(await ensureBroker(bareMachine())).toMatchObject({ path: cached(), source: 'cache' });
});

test('two processes that download at the same time both get a broker', async () => {
  const brokers = await Promise.all([ensureBroker(bareMachine()), ensureBroker(bareMachine())]);
  expect(brokers.map(({ path }) => path)).toEqual([cached(), cached()]);
});

test('prefers the package when apt can install it', async () => {
  const broker = path.join(root, 'bin', 'nats-server');
  const script = `for a; do [ "$a" = install ] && printf '#!/bin/sh\\necho "nats-server: v2.9.10"\\n' > ${broker} && chmod +x ${broker}; done; exit 0`;
  await fakeCommand('apt-get', script);
  await fakeCommand('env', 'exec /usr/bin/env PATH="$ROOT/bin:/usr/bin:/bin" "$@"');
  expect(await ensureBroker(bareMachine())).toEqual({ path: broker, version: '2.9.10', source: 'path' });
  expect(requests).toEqual([]);
});

test('refuses an archive with another hash, names both, and leaves nothing behind', async () => {
  const pinned = 'f'.repeat(64);
  const error = await failureOf(ensureBroker({ ...bareMachine(), release: release(pinned) }));
  const actual = createHash('sha256').update(archive).digest('hex');
  expect(error.code).toBe('BROKER_NOT_FOUND');
  expect(error.message).toContain(`SHA-256 of ${FOLDER}.tar.gz is ${actual}, expected ${pinned}; not used`);
  expect(await readdir(path.join(root, 'cache', 'bin'))).toEqual([]);
});

test('lists everything that was tried, each with its reason, and what to do', async () => {
  answer = (response) => void response.writeHead(404).end();
  const machine = bareMachine();
  const error = await failureOf(ensureBroker(machine));
  expect(error.message.split('\n')).toEqual([
    'Facet needs a NATS broker (nats-server); none was found and none could be installed. Tried:',
    '  NATS_SERVER_BIN: not set',
    '  PATH: no file named nats-server',
    `  cache (${cached()}): no such file`,
    '  apt: no apt-get on PATH',
    `  download ${machine.release?.baseUrl}/v${VERSION}/${FOLDER}.tar.gz: HTTP status 404, expected 200`,
    'What to do: install nats-server 2.9.0 or newer (Debian, Ubuntu: apt-get install nats-server;',
    'macOS: brew install nats-server; any system: a release of github.com/nats-io/nats-server), then put it on PATH',
    'or set NATS_SERVER_BIN to the file.',
  ]);
});

test('installs nothing when NATS_SERVER_BIN names a binary that does not work', async () => {
  const machine = bareMachine();
  const named = path.join(root, 'gone');
  const error = await failureOf(ensureBroker({ ...machine, env: { ...machine.env, NATS_SERVER_BIN: named } }));
  expect(error.message).toContain(`NATS_SERVER_BIN=${named}: no such file`);
  expect(requests).toEqual([]);
});

test('downloads through the proxy of the environment, and names one that cannot be reached', async () => {
  const proxy = await startProxy();
  const machine = bareMachine();
  const through = await downloadBroker({
    ...machine,
    release: release(),
    env: { ...machine.env, HTTP_PROXY: proxy.url },
  });
  expect(through).toEqual({ ok: true, path: cached() });
  expect(proxy.asked).toEqual([new URL(release().baseUrl).host]);
  const nowhere = { ...machine.env, http_proxy: 'http://me:secret@127.0.0.1:1' };
  const result = await downloadBroker({ ...machine, release: release(), env: nowhere });
  const reason =
    /through the proxy http:\/\/\*\*\*@127\.0\.0\.1:1 \(http_proxy\): connect ECONNREFUSED 127\.0\.0\.1:1; .*no_proxy/;
  expect(result).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
});

test('gives the cause when the server cannot be reached', async () => {
  const unreachable = { ...release(), baseUrl: 'http://127.0.0.1:1' };
  const result = await downloadBroker({ ...bareMachine(), release: unreachable });
  expect(result).toMatchObject({ ok: false, where: expect.stringContaining('http://127.0.0.1:1/') });
  expect(result.ok ? '' : result.reason).toMatch(/^fetch failed \(.+\)$/);
});

test('gives up on a download that stalls', async () => {
  answer = (response) => void response.write(archive.subarray(0, 10));
  const result = await downloadBroker({ ...bareMachine(), release: release(), stallTimeoutMs: 100 });
  expect(result).toMatchObject({ ok: false, reason: expect.stringContaining('no bytes for 0.1 s') });
});

test('refuses an archive whose binary does not run here', async () => {
  archive = await packRelease('#!/bin/sh\nexit 9\n');
  const result = await downloadBroker({ ...bareMachine(), release: release() });
  expect(result).toMatchObject({ ok: false, reason: 'the unpacked binary does not work: `--version` exited with 9' });
});

test('says which platforms have a pinned release', async () => {
  const result = await downloadBroker({ ...bareMachine(), release: release(), arch: 'riscv64' });
  expect(result).toEqual({
    ok: false,
    where: 'download',
    reason: 'no pinned release for linux-riscv64, only for linux-amd64',
  });
});
