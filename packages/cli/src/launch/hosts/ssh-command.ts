/**
 * How the OpenSSH client is called. The user's configuration of ssh decides everything about keys, agents, jump hosts and names.
 * We add what a launch needs: no questions, a connection of its own, and the notice of a host that fell silent.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Environment } from '../../context.js';

const execute = promisify(execFile);

/** ssh asks a silent host so often, in seconds, and gives up after three questions. */
const ALIVE_SECONDS = 5;
/** Longest wait for a host that does not answer at all, in seconds. */
const CONNECT_SECONDS = 15;

/** What `ssh -G` says of a host: keys in small letters. */
export type SshSettings = ReadonlyMap<string, string>;

/** The user's configuration for a host. Empty where ssh cannot say it: the connection itself will then say why. */
export async function readSshSettings(host: string, env: Environment): Promise<SshSettings> {
  try {
    const { stdout } = await execute('ssh', ['-G', '--', host], { env });
    return parseSettings(stdout);
  } catch {
    return new Map();
  }
}

export function parseSettings(text: string): SshSettings {
  const pairs = text.split('\n').flatMap((line): [string, string][] => {
    const [, key, value] = /^(\S+) (.*)$/.exec(line) ?? [];
    return key === undefined || value === undefined ? [] : [[key.toLowerCase(), value]];
  });
  return new Map(pairs);
}

/** The arguments of ssh that run a command on a host. */
export function sshArguments(host: string, settings: SshSettings, command: string): string[] {
  const options = [
    // Nobody sits at a terminal of ours to answer.
    'BatchMode=yes',
    // A connection that others share would not end with this launch.
    'ControlPath=none',
    'ClearAllForwardings=yes',
    'RemoteCommand=none',
  ];
  const isUnset = (key: string): boolean => ['0', 'none', undefined].includes(settings.get(key));
  if (isUnset('serveraliveinterval')) options.push(`ServerAliveInterval=${ALIVE_SECONDS}`);
  if (isUnset('connecttimeout')) options.push(`ConnectTimeout=${CONNECT_SECONDS}`);
  // No terminal, no agent and no display on the host.
  return ['-T', '-a', '-x', ...options.flatMap((option) => ['-o', option]), '--', host, command];
}

/**
 * The command that runs `facet` on a host, whatever the login shell there is. Without a path it is the one on the PATH of that
 * shell, else the package that is installed in the home folder; nothing is downloaded.
 */
export function remoteCommand(facet: string | undefined, args: readonly string[]): string {
  const rest = args.map(quoted).join(' ');
  const script =
    facet === undefined
      ? `if command -v facet >/dev/null 2>&1; then exec facet ${rest}; else exec npx --no-install facet-train ${rest}; fi`
      : `exec ${quotedPath(facet)} ${rest}`;
  return `exec sh -c ${quoted(script)}`;
}

/** A shell leaves `~/` alone inside of quotes. */
function quotedPath(path: string): string {
  return path.startsWith('~/') ? `~/${quoted(path.slice(2))}` : quoted(path);
}

function quoted(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
