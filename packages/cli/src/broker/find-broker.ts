/**
 * Finds a `nats-server` that is already on this machine: the file NATS_SERVER_BIN names, then PATH, then Facet's cache.
 * Every candidate is run once with `--version` before it is believed. Nothing is installed or written here; that is
 * install-broker.ts. A NATS_SERVER_BIN that does not work is never silently replaced by another broker.
 */

import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { homeFolder } from '@facet/shared';

/** The release that install-broker.ts downloads, and the only one looked for in the cache. */
export const PINNED_BROKER_VERSION = '2.14.5';

/** The oldest release line that Facet is tested with (Debian 12 has 2.9.10). */
export const OLDEST_BROKER_VERSION = '2.9.0';

const VERSION_TIMEOUT_MS = 10_000;

/** Folders that hold daemons and are often missing from the PATH of a user who is not root. */
const DAEMON_FOLDERS = ['/usr/sbin', '/usr/local/sbin'];

export interface Broker {
  /** Absolute file name of the binary. */
  readonly path: string;
  /** As the binary states it, without a leading v: `2.9.10`. */
  readonly version: string;
  readonly source: 'env' | 'path' | 'cache';
}

/** One place that was tried in vain. */
export interface BrokerAttempt {
  readonly where: string;
  readonly reason: string;
}

export type BrokerSearch =
  | { readonly ok: true; readonly broker: Broker }
  | {
      readonly ok: false;
      readonly attempts: readonly BrokerAttempt[];
      /** True when NATS_SERVER_BIN named the binary: no other place was tried and none should be. */
      readonly isForced: boolean;
    };

export interface BrokerSearchOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly platform?: NodeJS.Platform;
  /** Folders searched after those in PATH. */
  readonly daemonFolders?: readonly string[];
}

/** The folder for everything Facet keeps between runs: FACET_CACHE, else the platform's usual cache folder. */
export function cacheFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  if (env['FACET_CACHE']) return path.resolve(env['FACET_CACHE']);
  // A relative XDG_CACHE_HOME counts as unset, as its specification asks.
  const shared = env['XDG_CACHE_HOME'];
  if (shared && path.isAbsolute(shared)) return path.join(shared, 'facet');
  const home = homeFolder(env);
  return platform === 'darwin' ? path.join(home, 'Library', 'Caches', 'facet') : path.join(home, '.cache', 'facet');
}

/** The folder of one downloaded broker version inside the cache. */
export function cachedBrokerFolder(env: NodeJS.ProcessEnv, platform: NodeJS.Platform, version: string): string {
  return path.join(cacheFolder(env, platform), 'bin', `nats-server-${version}`);
}

/** The file name of the broker's binary on a platform. */
export function brokerFileName(platform: NodeJS.Platform): string {
  return platform === 'win32' ? 'nats-server.exe' : 'nats-server';
}

/** Looks in NATS_SERVER_BIN, PATH and the cache, in this order; the first binary that passes wins. */
export async function findBroker(options: BrokerSearchOptions = {}): Promise<BrokerSearch> {
  const { env = process.env, platform = process.platform, daemonFolders = DAEMON_FOLDERS } = options;
  const named = env['NATS_SERVER_BIN'];
  if (named) {
    const file = path.resolve(named);
    const probe = await probeBroker(file);
    if (probe.ok) return { ok: true, broker: { path: file, version: probe.version, source: 'env' } };
    return { ok: false, attempts: [{ where: `NATS_SERVER_BIN=${named}`, reason: probe.reason }], isForced: true };
  }
  const attempts: BrokerAttempt[] = [{ where: 'NATS_SERVER_BIN', reason: 'not set' }];

  const candidates = await filesOnPath(brokerFileName(platform), env, platform, daemonFolders);
  for (const file of candidates) {
    const probe = await probeBroker(file);
    if (probe.ok) return { ok: true, broker: { path: file, version: probe.version, source: 'path' } };
    attempts.push({ where: file, reason: probe.reason });
  }
  if (candidates.length === 0) {
    const where = ['PATH', ...daemonFolders].join(', ');
    attempts.push({ where, reason: `no file named ${brokerFileName(platform)}` });
  }

  const cached = path.join(cachedBrokerFolder(env, platform, PINNED_BROKER_VERSION), brokerFileName(platform));
  const probe = await probeBroker(cached);
  if (probe.ok) return { ok: true, broker: { path: cached, version: probe.version, source: 'cache' } };
  attempts.push({ where: `cache (${cached})`, reason: probe.reason });
  return { ok: false, attempts, isForced: false };
}

export type BrokerProbe =
  { readonly ok: true; readonly version: string } | { readonly ok: false; readonly reason: string };

/** Runs `FILE --version` and reads the answer; refuses what is not a nats-server or is too old. */
export async function probeBroker(file: string): Promise<BrokerProbe> {
  try {
    if (!(await stat(file)).isFile()) return { ok: false, reason: 'not a file' };
  } catch {
    return { ok: false, reason: 'no such file' };
  }
  try {
    await access(file, constants.X_OK);
  } catch {
    return { ok: false, reason: 'not executable by this user' };
  }
  const run = await runVersion(file);
  if (!run.ok) return run;
  const version = /^nats-server:\s*v?(\d+\.\d+\.\d+)/m.exec(run.output)?.[1];
  if (version === undefined) {
    const actual = run.output.trim().split('\n')[0] ?? '';
    return { ok: false, reason: `\`--version\` printed "${actual}", expected "nats-server: vX.Y.Z"` };
  }
  if (isOlder(version, OLDEST_BROKER_VERSION)) {
    return { ok: false, reason: `version ${version}, expected ${OLDEST_BROKER_VERSION} or newer` };
  }
  return { ok: true, version };
}

type VersionRun = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly reason: string };

function runVersion(file: string): Promise<VersionRun> {
  return new Promise((resolve) => {
    execFile(file, ['--version'], { timeout: VERSION_TIMEOUT_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error === null) return resolve({ ok: true, output: stdout + stderr });
      if (error.killed)
        return resolve({ ok: false, reason: `\`--version\` gave no answer in ${VERSION_TIMEOUT_MS} ms` });
      const said = (stderr + stdout).trim().split('\n')[0];
      const how =
        typeof error.code === 'number' ? `exited with ${error.code}` : `failed (${error.code ?? error.signal})`;
      resolve({ ok: false, reason: `\`--version\` ${how}${said ? `: ${said}` : ''}` });
    });
  });
}

/** Existing files of this name in PATH order, each once although folders may be links to each other. */
async function filesOnPath(
  name: string,
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
  daemonFolders: readonly string[],
): Promise<string[]> {
  const separator = platform === 'win32' ? ';' : ':';
  const folders = (env['PATH'] ?? '').split(separator).filter((folder) => path.isAbsolute(folder));
  const files = new Map<string, string>();
  for (const folder of [...folders, ...daemonFolders]) {
    const file = path.join(folder, name);
    try {
      const target = await realpath(file);
      if (!files.has(target)) files.set(target, file);
    } catch {
      // Not in this folder.
    }
  }
  return [...files.values()];
}

/** Compares two X.Y.Z versions number by number. */
function isOlder(version: string, than: string): boolean {
  const left = version.split('.').map(Number);
  const right = than.split('.').map(Number);
  for (const [index, expected] of right.entries()) {
    const actual = left[index] ?? 0;
    if (actual !== expected) return actual < expected;
  }
  return false;
}
