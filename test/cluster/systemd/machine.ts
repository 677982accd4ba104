/**
 * A machine whose first process is systemd, in a container without a network: Debian's files from debootstrap, made once and
 * kept in Facet's cache; this machine's Node and nats-server; this checkout at /opt/facet.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until, type CommandResult } from '../../testkit/facet.js';
import { findProgram } from '../pieces.js';
import { UNITS, unitFile } from './units.js';

const execute = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const SUITE = 'bookworm';
const PACKAGES = 'systemd,systemd-sysv,dbus,libstdc++6,ca-certificates,procps';
const BOOT_MS = 120_000;

export interface Machine extends AsyncDisposable {
  /** Runs a shell command as root. */
  run(command: string): Promise<CommandResult>;
}

/** Boots a machine with the units installed as docs/deploy/systemd.md says. */
export async function bootMachine(): Promise<Machine> {
  const root = await rootFolder();
  const name = `facet-test-${process.pid}`;
  const [node, nats] = [process.execPath, process.env['NATS_SERVER_BIN'] ?? findProgram('nats-server')!];
  const mounts = [`${REPOSITORY}:/opt/facet:ro`, `${node}:/usr/local/bin/node:ro`, `${nats}:/usr/sbin/nats-server:ro`];
  await execute(findProgram('podman')!, [
    ...['--runtime', findProgram('runc')!, 'run', '--detach', '--name', name, '--systemd=always', '--network=none'],
    ...['--cap-add=SYS_ADMIN', '--security-opt=seccomp=unconfined', '--security-opt=unmask=all'],
    // Podman's own limits may be above those that a container of a container may set.
    ...['--ulimit=nofile=16384:16384', '--ulimit=nproc=16384:16384'],
    ...['--tmpfs=/run', '--tmpfs=/tmp', ...mounts.flatMap((mount) => ['--volume', mount])],
    ...['--rootfs', `${root}:O`, '/sbin/init'],
  ]);
  const run = (command: string): Promise<CommandResult> => inside(name, command);
  const machine: Machine = {
    run,
    async [Symbol.asyncDispose]() {
      await execute(findProgram('podman')!, ['rm', '--force', '--time', '5', name]);
    },
  };
  try {
    let state = '';
    await until(
      'systemd is up',
      async () => {
        state = (await run('systemctl is-system-running')).stdout.trim();
        return state === 'running' || state === 'degraded';
      },
      BOOT_MS,
    );
    const install = [
      'ln -s /opt/facet/packages/cli/bin/facet.mjs /usr/local/bin/facet',
      ...UNITS.map((unit) => `cp /opt/facet/deploy/systemd/${path.basename(unitFile(unit))} /etc/systemd/system/`),
      'cp /opt/facet/deploy/systemd/facet.sysusers.conf /usr/lib/sysusers.d/facet.conf',
      // There is no /proc of the kind that systemd needs for a user namespace in this container.
      ...UNITS.map(
        (unit) =>
          `mkdir -p /etc/systemd/system/${unit}.d && printf '[Service]\\nPrivateUsers=no\\n' > /etc/systemd/system/${unit}.d/container.conf`,
      ),
      'systemd-sysusers && mkdir -p /etc/facet && systemctl daemon-reload',
    ].join(' && ');
    const { code, stderr } = await run(install);
    if (code !== 0) throw new Error(`the units cannot be installed: ${stderr}`);
    return machine;
  } catch (error) {
    await machine[Symbol.asyncDispose]();
    throw error;
  }
}

async function rootFolder(): Promise<string> {
  const cache =
    process.env['FACET_CACHE'] ?? path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'facet');
  const root = path.join(cache, 'cluster', `systemd-${SUITE}`);
  if (existsSync(root)) return root;
  const { stdout } = await execute('apt-get', ['indextargets', '--format', '$(REPO_URI)']);
  const mirror = stdout.split('\n')[0] ?? 'http://deb.debian.org/debian';
  const half = `${root}.half`;
  await rm(half, { recursive: true, force: true });
  await mkdir(half, { recursive: true });
  await execute(findProgram('debootstrap')!, ['--variant=minbase', `--include=${PACKAGES}`, SUITE, half, mirror], {
    maxBuffer: 64 * 1024 * 1024,
  });
  await rename(half, root);
  return root;
}

function inside(name: string, command: string): Promise<CommandResult> {
  return new Promise((resolve) => {
    execFile(findProgram('podman')!, ['exec', name, 'sh', '-c', command], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}
