/**
 * A run in what a container leaves of a machine: a user id that no file knows and that has no home, a root that cannot be
 * written, 64 KiB of shared memory. A mount namespace of Linux makes all of that; it needs root to be made.
 */
import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { followed, MNIST_ON_CPU, parseJson, type CommandResult } from '../testkit/facet.js';

const execute = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** Nobody of this machine has it. */
const UID = 54_321;
/** Where the repository and a folder to write to are, for a user who may not even look at the place where it lies. */
const INSIDE = '/mnt/facet';
const WRITABLE = '/mnt/writable';

/** Runs the rest of the command line, as the user, after the namespace has been made. */
const ENTER = `
set -e
mount -t tmpfs -o size=64k tmpfs /dev/shm
mount -t tmpfs tmpfs /mnt
mkdir -p ${INSIDE} ${WRITABLE}/tmp
mount --bind "$0" ${INSIDE}
mount -o remount,bind,ro ${INSIDE}
chown -R ${UID}:${UID} ${WRITABLE}
mount -o remount,bind,ro /
cd ${WRITABLE}
exec setpriv --reuid=${UID} --regid=${UID} --clear-groups --no-new-privs "$@"
`;

async function whyNot(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'mount namespaces need Linux';
  if (process.getuid?.() !== 0) return 'mount namespaces need root';
  try {
    await execute('unshare', ['--mount', '--propagation', 'private', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']);
    await execute('setpriv', ['--version']);
    return undefined;
  } catch (error) {
    return `mount namespaces cannot be made here: ${String(error).split('\n')[0]}`;
  }
}

/** Runs a line of the shell in there, with an environment of nothing but what is said. */
function inContainer(line: string, environment: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
  const enter = ['--mount', '--propagation', 'private', 'sh', '-c', ENTER, REPOSITORY];
  const child = spawn('unshare', [...enter, 'sh', '-c', line], {
    env: {
      PATH: process.env['PATH'] ?? '',
      NODE: process.execPath,
      FACET: `${INSIDE}/packages/cli/bin/facet.mjs`,
      NO_COLOR: '1',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return followed(child);
}

const WRITES = { FACET_RUNS: `${WRITABLE}/runs`, TMPDIR: `${WRITABLE}/tmp`, FACET_LOG_LEVEL: 'info' };
const MINUTES = { timeout: 400_000 };
const reason = await whyNot();

describe.skipIf(reason !== undefined)(`in a bare container${reason === undefined ? '' : ` (${reason})`}`, () => {
  it('the user has no name and no home, and nothing can be written beside its folder', MINUTES, async () => {
    const { stdout } = await inContainer('id -u; touch /tmp/x || echo refused; getent passwd $(id -u) || echo unknown');
    expect(stdout.trim().split('\n')).toEqual([String(UID), 'refused', 'unknown']);
  });

  it('a run trains, on sockets where shared memory is too small', MINUTES, async () => {
    const settings = ['samples.train=256', 'samples.test=64'].flatMap((setting) => ['--set', setting]);
    const up = ['up', ...MNIST_ON_CPU, '--workers', '2', '--epochs', '1', '--run', 'bare', '--json', ...settings];
    const logs = `cat ${WRITABLE}/runs/bare/logs/worker-*.log >&2`;
    const result = await inContainer(`"$NODE" "$FACET" ${up.join(' ')}; code=$?; ${logs}; exit $code`, WRITES);
    expect(result.code, result.stderr).toBe(0);
    expect(parseJson(result)).toMatchObject({ ledger: { committed: 256, missing: 0 }, faults: 0 });
    const ways = result.stderr.split('\n').filter((line) => line.includes('connected to its peers'));
    expect(ways.length).toBeGreaterThan(0);
    for (const line of ways) expect(line).toMatch(/"ways":\{[^}]*"unix":1/);
  });

  it(
    'what wants to write to a home that is not there says which folder, and how to name another',
    MINUTES,
    async () => {
      const { code, stderr } = await inContainer('"$NODE" "$FACET" dataset fetch cifar10', WRITES);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/error \[DISK_REFUSED\]: cannot make the folder \/nonexistent: /);
      expect(stderr).toContain('FACET_CACHE');
      expect(stderr).not.toContain('this is a fault in Facet');
    },
  );
});
