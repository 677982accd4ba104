/**
 * Installs one Debian or Ubuntu package, as root or with a sudo that asks for no password. It never prompts, has a
 * deadline, and leaves no new service behind: Debian starts a package's service on installation, and the only official
 * way to prevent that is /usr/sbin/policy-rc.d, which is state of the whole system and would stay if this process were
 * killed. So the service is stopped and disabled again right after, unless it was running before.
 */

import { execFile } from 'node:child_process';

export interface AptInstallOptions {
  readonly packageName: string;
  /** The systemd unit that the package would start. */
  readonly service: string;
  readonly log: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  readonly isRoot?: boolean;
  readonly timeoutMs?: number;
}

export type AptInstall = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Waits for another apt instead of failing, and gives up on an unreachable mirror soon. */
const APT_OPTIONS = [
  '-o',
  'DPkg::Lock::Timeout=60',
  '-o',
  'Acquire::http::Timeout=20',
  '-o',
  'Acquire::https::Timeout=20',
];

/** Runs `apt-get update` and `apt-get install`; a reason instead of an exception when it cannot. */
export async function installWithApt(options: AptInstallOptions): Promise<AptInstall> {
  const { packageName, service, log, env = process.env, timeoutMs = 300_000 } = options;
  const isRoot = options.isRoot ?? process.getuid?.() === 0;
  const run = (command: string, args: readonly string[], limitMs: number): Promise<CommandResult> =>
    runCommand(command, args, env, limitMs);

  if (!(await run('apt-get', ['--version'], 10_000)).ok) return { ok: false, reason: 'no apt-get on PATH' };
  if (!isRoot && !(await run('sudo', ['-n', 'true'], 10_000)).ok) {
    return { ok: false, reason: 'not root, and no sudo without a password' };
  }
  const prefix = isRoot ? [] : ['sudo', '-n'];
  const asRoot = (args: readonly string[], limitMs: number): Promise<CommandResult> => {
    // `env` and not this process's environment, because sudo passes none on.
    const [command = 'env', ...rest] = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C', ...args];
    return run(command, rest, limitMs);
  };

  log(`installing ${packageName} (apt-get install) ...`);
  const startedAtMs = Date.now();
  const wasActive = await isServiceActive(service, run);
  // One unreachable third-party mirror fails the update and yet lets the package be installed: go on, remember why.
  const update = await asRoot(['apt-get', ...APT_OPTIONS, 'update'], timeoutMs);
  const install = await asRoot(
    ['apt-get', ...APT_OPTIONS, 'install', '-y', '--no-install-recommends', packageName],
    timeoutMs,
  );
  if (!wasActive && (await isServiceActive(service, run))) {
    const stop = await asRoot(['systemctl', 'disable', '--now', service], 30_000);
    log(
      stop.ok
        ? `stopped the service ${service} that the package started`
        : `service ${service} is still running: ${stop.reason}`,
    );
  }
  if (!install.ok) {
    const updateReason = update.ok ? '' : `; before it, apt-get update ${update.reason}`;
    return { ok: false, reason: `apt-get install ${install.reason}${updateReason}` };
  }
  log(`installing ${packageName} (apt-get install): ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
  return { ok: true };
}

type CommandResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

async function isServiceActive(
  service: string,
  run: (command: string, args: readonly string[], limitMs: number) => Promise<CommandResult>,
): Promise<boolean> {
  // Fails, as it should, where there is no systemd (containers).
  return (await run('systemctl', ['is-active', '--quiet', service], 10_000)).ok;
}

/** Runs a command without stdin; its output only shows, as one line, in the reason for a failure. */
function runCommand(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  timeoutMs: number,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { env, timeout: timeoutMs, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) return resolve({ ok: true });
      if (error.killed) return resolve({ ok: false, reason: `gave up after ${timeoutMs / 1000} s` });
      const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
      const told =
        lines
          .filter((line) => line.startsWith('E:'))
          .slice(0, 3)
          .join(' ') ||
        (lines.at(-1) ?? '');
      const how =
        typeof error.code === 'number' ? `exited with ${error.code}` : `failed (${error.code ?? error.signal})`;
      resolve({ ok: false, reason: told ? `${how}: ${told.trim()}` : how });
    });
    child.stdin?.end();
  });
}
