import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PINNED_BROKER_VERSION, cacheFolder, cachedBrokerFolder, findBroker, probeBroker } from './find-broker.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'facet-find-broker-'));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Writes a shell script that plays nats-server and returns its file name. */
async function fakeBroker(folder: string, script: string, mode = 0o755): Promise<string> {
  const file = path.join(root, folder, 'nats-server');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, mode);
  return file;
}

const says = (version: string): string => `[ "$1" = --version ] && echo "nats-server: v${version}"`;

/** A search that sees nothing of the machine it runs on. */
const search = (env: NodeJS.ProcessEnv): ReturnType<typeof findBroker> =>
  findBroker({ env: { FACET_CACHE: path.join(root, 'cache'), ...env }, platform: 'linux', daemonFolders: [] });

describe('findBroker', () => {
  test('takes the binary that NATS_SERVER_BIN names before any other', async () => {
    const named = await fakeBroker('named', says('2.12.0'));
    await fakeBroker('bin', says('2.9.10'));
    expect(await search({ NATS_SERVER_BIN: named, PATH: path.join(root, 'bin') })).toEqual({
      ok: true,
      broker: { path: named, version: '2.12.0', source: 'env' },
    });
  });

  test('never replaces a named binary that does not work by another one', async () => {
    await fakeBroker('bin', says('2.9.10'));
    const named = path.join(root, 'missing');
    expect(await search({ NATS_SERVER_BIN: named, PATH: path.join(root, 'bin') })).toEqual({
      ok: false,
      attempts: [{ where: `NATS_SERVER_BIN=${named}`, reason: 'no such file' }],
      isForced: true,
    });
  });

  test('takes the first binary on PATH that works, past broken and old ones', async () => {
    await fakeBroker('a', 'exit 3');
    await fakeBroker('b', says('2.1.9'));
    const good = await fakeBroker('c', says('2.9.10'));
    const PATH = ['a', 'b', 'c'].map((folder) => path.join(root, folder)).join(':');
    expect(await search({ PATH })).toEqual({ ok: true, broker: { path: good, version: '2.9.10', source: 'path' } });
  });

  test('looks in the daemon folders although they are not in PATH', async () => {
    const good = await fakeBroker('sbin', says('2.9.10'));
    const found = await findBroker({
      env: { PATH: '', FACET_CACHE: root },
      platform: 'linux',
      daemonFolders: [path.join(root, 'sbin')],
    });
    expect(found).toMatchObject({ ok: true, broker: { path: good, source: 'path' } });
  });

  test('falls back to the pinned version in the cache', async () => {
    const cached = await fakeBroker(`cache/bin/nats-server-${PINNED_BROKER_VERSION}`, says(PINNED_BROKER_VERSION));
    expect(await search({ PATH: '' })).toEqual({
      ok: true,
      broker: { path: cached, version: PINNED_BROKER_VERSION, source: 'cache' },
    });
  });

  test('lists every place with its reason, and a linked folder only once', async () => {
    const broken = await fakeBroker('a', 'echo "cannot run" >&2; exit 3');
    await symlink(path.join(root, 'a'), path.join(root, 'link-to-a'));
    const found = await search({ PATH: `${path.join(root, 'a')}:${path.join(root, 'link-to-a')}` });
    const cached = path.join(root, 'cache', 'bin', `nats-server-${PINNED_BROKER_VERSION}`, 'nats-server');
    expect(found).toEqual({
      ok: false,
      attempts: [
        { where: 'NATS_SERVER_BIN', reason: 'not set' },
        { where: broken, reason: '`--version` exited with 3: cannot run' },
        { where: `cache (${cached})`, reason: 'no such file' },
      ],
      isForced: false,
    });
  });
});

describe('probeBroker', () => {
  test.each([
    [
      'a program that is no broker',
      'echo "hello 1.2.3"',
      '`--version` printed "hello 1.2.3", expected "nats-server: vX.Y.Z"',
    ],
    ['a version that is too old', says('2.8.4'), 'version 2.8.4, expected 2.9.0 or newer'],
    ['a failing program', 'exit 7', '`--version` exited with 7'],
  ])('refuses %s and says why', async (_case, script, reason) => {
    expect(await probeBroker(await fakeBroker('x', script))).toEqual({ ok: false, reason });
  });

  test('compares versions as numbers', async () => {
    expect(await probeBroker(await fakeBroker('x', says('2.10.0')))).toEqual({ ok: true, version: '2.10.0' });
  });

  test('refuses a folder and a file that may not be executed', async () => {
    expect(await probeBroker(root)).toEqual({ ok: false, reason: 'not a file' });
    const plain = await fakeBroker('x', says('2.9.10'), 0o644);
    expect(await probeBroker(plain)).toEqual({ ok: false, reason: 'not executable by this user' });
  });
});

describe('cacheFolder', () => {
  test.each<[NodeJS.ProcessEnv, NodeJS.Platform, string]>([
    [{ FACET_CACHE: '/f', XDG_CACHE_HOME: '/x', HOME: '/h' }, 'linux', '/f'],
    [{ XDG_CACHE_HOME: '/x', HOME: '/h' }, 'linux', '/x/facet'],
    [{ HOME: '/h' }, 'linux', '/h/.cache/facet'],
    [{ XDG_CACHE_HOME: 'x', HOME: '/h' }, 'linux', '/h/.cache/facet'],
    [{ HOME: '/h' }, 'darwin', '/h/Library/Caches/facet'],
  ])('of %o on %s is %s', (env, platform, expected) => {
    expect(cacheFolder(env, platform)).toBe(expected);
  });

  test('holds one folder for each broker version', () => {
    expect(cachedBrokerFolder({ FACET_CACHE: '/f' }, 'linux', '2.14.5')).toBe('/f/bin/nats-server-2.14.5');
  });
});
