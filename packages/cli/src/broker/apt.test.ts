import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { installWithApt, type AptInstall } from './apt.js';

let root: string;
let lines: string[];

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'facet-apt-'));
  lines = [];
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** A command in the fake PATH that appends its name and arguments to `calls` and then runs `script`. */
async function fakeCommand(name: string, script = ''): Promise<void> {
  const text = `#!/bin/sh\necho "${name} $*" >> "${root}/calls"\n${script}\n`;
  await writeFile(path.join(root, name), text, { mode: 0o755 });
}

const calls = async (): Promise<string[]> => (await readFile(path.join(root, 'calls'), 'utf8')).trim().split('\n');

const install = (isRoot: boolean, timeoutMs?: number): Promise<AptInstall> =>
  installWithApt({
    packageName: 'thing',
    service: 'thing-daemon',
    log: (line) => lines.push(line),
    env: { PATH: `${root}:/usr/bin:/bin`, ROOT: root },
    isRoot,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });

const systemctlThatSeesNoService = 'exit 3';

test('updates and then installs, without questions and without recommended packages', async () => {
  await fakeCommand('apt-get', 'echo "$DEBIAN_FRONTEND" > "$ROOT/frontend"');
  await fakeCommand('systemctl', systemctlThatSeesNoService);
  expect(await install(true)).toEqual({ ok: true });
  const made = (await calls()).map((call) => call.replace(/-o \S+ /g, ''));
  expect(made).toEqual([
    'apt-get --version',
    'systemctl is-active --quiet thing-daemon',
    'apt-get update',
    'apt-get install -y --no-install-recommends thing',
    'systemctl is-active --quiet thing-daemon',
  ]);
  expect(await readFile(path.join(root, 'frontend'), 'utf8')).toBe('noninteractive\n');
  expect(lines).toHaveLength(2);
});

test('stops a service that the package started', async () => {
  await fakeCommand('apt-get', '[ "$1" = --version ] || touch "$ROOT/started"');
  await fakeCommand('systemctl', '[ "$1" = is-active ] && { [ -e "$ROOT/started" ]; exit; }; exit 0');
  expect(await install(true)).toEqual({ ok: true });
  expect((await calls()).at(-1)).toBe('systemctl disable --now thing-daemon');
  expect(lines).toContain('stopped the service thing-daemon that the package started');
});

test('leaves a service alone that was running before', async () => {
  await fakeCommand('apt-get');
  await fakeCommand('systemctl', 'exit 0');
  expect(await install(true)).toEqual({ ok: true });
  expect((await calls()).some((call) => call.includes('disable'))).toBe(false);
});

test('goes through sudo when not root, with the frontend set behind it', async () => {
  await fakeCommand('apt-get');
  await fakeCommand('systemctl', systemctlThatSeesNoService);
  await fakeCommand('sudo', '[ "$1" = -n ] && shift; exec "$@"');
  expect(await install(false)).toEqual({ ok: true });
  const sudos = (await calls()).filter((call) => call.startsWith('sudo'));
  expect(sudos[0]).toBe('sudo -n true');
  expect(sudos[1]).toMatch(/^sudo -n env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get .* update$/);
});

test('installs although the update of some source failed', async () => {
  await fakeCommand('apt-get', 'for a; do [ "$a" = update ] && exit 100; done; exit 0');
  await fakeCommand('systemctl', systemctlThatSeesNoService);
  expect(await install(true)).toEqual({ ok: true });
});

test('gives the reason when sudo wants a password', async () => {
  await fakeCommand('apt-get');
  await fakeCommand('sudo', 'exit 1');
  expect(await install(false)).toEqual({ ok: false, reason: 'not root, and no sudo without a password' });
});

test('gives the reason when there is no apt-get', async () => {
  const env = { PATH: root };
  const result = await installWithApt({ packageName: 'x', service: 'x', log: () => undefined, env, isRoot: true });
  expect(result).toEqual({ ok: false, reason: 'no apt-get on PATH' });
});

test('quotes the errors of apt-get when the installation fails', async () => {
  await fakeCommand(
    'apt-get',
    '[ "$1" = --version ] && exit 0; echo "E: Unable to locate package thing" >&2; exit 100',
  );
  await fakeCommand('systemctl', systemctlThatSeesNoService);
  const failed = 'exited with 100: E: Unable to locate package thing';
  expect(await install(true)).toEqual({
    ok: false,
    reason: `apt-get install ${failed}; before it, apt-get update ${failed}`,
  });
});

test('gives up on an apt-get that hangs', async () => {
  await fakeCommand('apt-get', '[ "$1" = --version ] && exit 0; exec sleep 60');
  await fakeCommand('systemctl', systemctlThatSeesNoService);
  expect(await install(true, 200)).toMatchObject({ ok: false, reason: expect.stringContaining('gave up after 0.2 s') });
});
