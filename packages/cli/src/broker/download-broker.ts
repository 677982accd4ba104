/**
 * Downloads one pinned nats-server release into Facet's cache. The archive is hashed while it arrives, under a `.part`
 * name in a scratch folder; only bytes with the pinned SHA-256 are unpacked, and the finished folder appears by one
 * rename. So a second process never sees half a broker, and a broken download leaves nothing behind.
 */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { environmentFetch, makeFolder } from '@facet/shared';
import { PINNED_BROKER_VERSION, brokerFileName, cachedBrokerFolder, probeBroker } from './find-broker.js';

/** Where a release comes from and what it must be. */
export interface BrokerRelease {
  readonly version: string;
  /** Prefix of `/vVERSION/nats-server-vVERSION-OS-ARCH.tar.gz`. */
  readonly baseUrl: string;
  /** SHA-256 of the archive, by `OS-ARCH` in the release's own words (`linux-amd64`). */
  readonly sha256: Readonly<Record<string, string>>;
}

/** The release's archives as its maintainers publish them; for Linux two independent sources agree on the hashes. */
export const PINNED_BROKER_RELEASE: BrokerRelease = {
  version: PINNED_BROKER_VERSION,
  baseUrl: 'https://github.com/nats-io/nats-server/releases/download',
  sha256: {
    'linux-amd64': '5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355',
    'linux-arm64': '673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c',
    'darwin-amd64': 'f95c98d6b6ed2b63c5681b46b092c9585c99767d547cf495730c329234625e96',
    'darwin-arm64': 'ddd907854d9a2de834af133fa396915fe6442fe6d8909ae31390d1ea7a0fea50',
  },
};

export interface BrokerDownloadOptions {
  readonly release: BrokerRelease;
  readonly log: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  readonly platform?: NodeJS.Platform;
  readonly arch?: string;
  /** Longest wait for the next bytes. */
  readonly stallTimeoutMs?: number;
}

export type BrokerDownload =
  | { readonly ok: true; readonly path: string }
  | { readonly ok: false; readonly where: string; readonly reason: string };

const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Puts the release's binary into the cache and returns its file name, or where and why it failed. */
export async function downloadBroker(options: BrokerDownloadOptions): Promise<BrokerDownload> {
  const { release, log, env = process.env, platform = process.platform, arch = process.arch } = options;
  const target = `${platform}-${GO_ARCHITECTURES[arch] ?? arch}`;
  const sha256 = release.sha256[target];
  if (sha256 === undefined) {
    const expected = Object.keys(release.sha256).join(', ');
    return { ok: false, where: 'download', reason: `no pinned release for ${target}, only for ${expected}` };
  }
  const archiveName = `nats-server-v${release.version}-${target}.tar.gz`;
  const url = `${release.baseUrl}/v${release.version}/${archiveName}`;
  const folder = cachedBrokerFolder(env, platform, release.version);
  let scratch: string | undefined;
  log(`downloading nats-server ${release.version} (${url}) ...`);
  const startedAtMs = Date.now();
  try {
    await makeFolder(path.dirname(folder));
    scratch = await mkdtemp(`${folder}.`);
    const archive = path.join(scratch, `${archiveName}.part`);
    const unpacked = path.join(scratch, 'unpacked');
    const actual = await fetchToFile(url, archive, { env, stallTimeoutMs: options.stallTimeoutMs ?? 30_000 });
    if (actual !== sha256) throw new Error(`SHA-256 of ${archiveName} is ${actual}, expected ${sha256}; not used`);
    await mkdir(unpacked);
    await promisify(execFile)('tar', ['-xzf', archive, '-C', unpacked, '--strip-components=1'], { timeout: 60_000 });
    const binary = path.join(unpacked, brokerFileName(platform));
    await chmod(binary, 0o755);
    const probe = await probeBroker(binary);
    if (!probe.ok) throw new Error(`the unpacked binary does not work: ${probe.reason}`);
    await moveIntoPlace(unpacked, folder, brokerFileName(platform));
  } catch (error) {
    return { ok: false, where: `download ${url}`, reason: describeFailure(error) };
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
  log(`downloading nats-server ${release.version}: ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
  return { ok: true, path: path.join(folder, brokerFileName(platform)) };
}

/** Streams a URL into a file and returns the hex SHA-256 of what arrived. */
async function fetchToFile(
  url: string,
  file: string,
  { env, stallTimeoutMs }: { readonly env: NodeJS.ProcessEnv; readonly stallTimeoutMs: number },
): Promise<string> {
  const stalled = new AbortController();
  const onStall = (): void => stalled.abort(new Error(`no bytes for ${stallTimeoutMs / 1000} s`));
  let timer = setTimeout(onStall, stallTimeoutMs);
  const hash = createHash('sha256');
  const handle = await open(file, 'w');
  try {
    const response = await environmentFetch(url, { signal: stalled.signal }, env);
    if (!response.ok || response.body === null) throw new Error(`HTTP status ${response.status}, expected 200`);
    for await (const bytes of response.body as AsyncIterable<Uint8Array>) {
      clearTimeout(timer);
      timer = setTimeout(onStall, stallTimeoutMs);
      hash.update(bytes);
      await handle.writeFile(bytes);
    }
    await handle.sync();
  } finally {
    clearTimeout(timer);
    await handle.close();
  }
  return hash.digest('hex');
}

/** Renames `from` to `to`. A `to` that works is another process's equal copy and stays; one that does not is replaced. */
async function moveIntoPlace(from: string, to: string, binary: string): Promise<void> {
  if ((await probeBroker(path.join(to, binary))).ok) return;
  await rm(to, { recursive: true, force: true });
  try {
    await rename(from, to);
  } catch (error) {
    const isTaken =
      error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST');
    if (!isTaken) throw error;
  }
}

/** The message with its cause: `fetch failed` alone does not say which name or address could not be reached. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause instanceof Error ? error.cause.message || error.cause.name : '';
  return cause ? `${error.message} (${cause})` : error.message.trim();
}
