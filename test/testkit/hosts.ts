/**
 * Several machines on this one: network namespaces with an address and a host name each, behind one switch that lives in a
 * namespace of its own. No packet reaches the network of the machine. Linux, as root, with `ip`, `nsenter` and `unshare`.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { followed, processesWith, type CommandResult, type ProcessInfo, type RunningCommand } from './facet.js';

const execute = promisify(execFile);

/** Namespaces of one process have names of their own, and so do those of several sets of hosts. */
let sets = 0;

/** Of the machines: `h2`. */
export function hostName(host: number): string {
  return `h${host}`;
}

export interface Hosts extends AsyncDisposable {
  /** The address of a host; hosts are counted from 1. */
  address(host: number): string;
  /** Starts a program on a host. */
  start(host: number, program: string, args: readonly string[], environment?: NodeJS.ProcessEnv): RunningCommand;
  /** Pulls the cable of a host out, or puts it back. */
  setCable(host: number, isIn: boolean): Promise<void>;
  /** Processes of a host whose command line contains a text: with `''` all of them. */
  processes(host: number, text: string): Promise<ProcessInfo[]>;
  /** Ends every process of a host at once, as a loss of power does; those that `spare` names live on. */
  fail(host: number, spare?: (command: string) => boolean): Promise<void>;
}

/** Why there can be no hosts here; undefined when there can. */
export async function whyNoHosts(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  try {
    await execute('unshare', ['--net', '--uts', '--mount', 'true']);
    await execute('ip', ['-V']);
    await execute('nsenter', ['--version']);
    return undefined;
  } catch (error) {
    return `network namespaces cannot be made here: ${String(error).split('\n')[0]}`;
  }
}

/** Makes hosts 1 to `count`. What runs on them is killed, and they are gone, when they are disposed of. */
export async function openHosts(count: number): Promise<Hosts> {
  sets += 1;
  const prefix = `facet-${process.pid}-${sets}`;
  const nameOf = (host: number): string => `${prefix}-h${host}`;
  const switchName = `${prefix}-sw`;
  const address = (host: number): string => `10.77.0.${host}`;
  const made: string[] = [];
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-hosts-'));
  const names = path.join(folder, 'hosts');
  const children = new Map<ChildProcess, Promise<CommandResult>>();
  const ip = (...args: string[]): Promise<unknown> => execute('ip', args);
  const add = async (name: string): Promise<void> => {
    await ip('netns', 'add', name);
    made.push(name);
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  };
  const processes = async (host: number, text: string): Promise<ProcessInfo[]> => {
    const { stdout } = await execute('ip', ['netns', 'pids', nameOf(host)]);
    const pids = new Set(stdout.split('\n').filter(Boolean).map(Number));
    return (await processesWith(text)).filter(({ pid }) => pids.has(pid));
  };
  const fail = async (host: number, spare: (command: string) => boolean = () => false): Promise<void> => {
    for (const { pid, command } of await processes(host, '')) {
      if (spare(command)) continue;
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone meanwhile.
      }
    }
  };
  const dispose = async (): Promise<void> => {
    for (const child of children.keys()) child.kill('SIGKILL');
    for (let host = 1; host <= count; host++) if (made.includes(nameOf(host))) await fail(host);
    await Promise.all(children.values());
    await rm(folder, { recursive: true, force: true });
    for (const name of made) await ip('netns', 'delete', name);
  };
  try {
    const known = Array.from({ length: count }, (_, index) => `${address(index + 1)} ${hostName(index + 1)}`);
    await writeFile(names, ['127.0.0.1 localhost', ...known, ''].join('\n'));
    await add(switchName);
    await ip('-n', switchName, 'link', 'add', 'br0', 'type', 'bridge');
    await ip('-n', switchName, 'link', 'set', 'br0', 'up');
    for (let host = 1; host <= count; host++) {
      const name = nameOf(host);
      const port = `p${host}`;
      await add(name);
      await ip('link', 'add', 'eth0', 'netns', name, 'type', 'veth', 'peer', 'name', port, 'netns', switchName);
      await ip('-n', switchName, 'link', 'set', port, 'master', 'br0', 'up');
      await ip('-n', name, 'addr', 'add', `${address(host)}/24`, 'dev', 'eth0');
      await ip('-n', name, 'link', 'set', 'eth0', 'up');
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    address,
    start(host, program, args, environment = process.env) {
      // Hosts know each other by name. A mount namespace keeps cgroups, unlike `ip netns exec`.
      const script = 'hostname "$0" && mount --bind "$1" /etc/hosts && shift && exec "$@"';
      const enter = [`--net=/run/netns/${nameOf(host)}`, 'unshare', '--uts', '--mount', 'sh', '-c', script];
      const child = spawn('nsenter', [...enter, hostName(host), names, program, ...args], {
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const done = followed(child).finally(() => children.delete(child));
      children.set(child, done);
      return { child, done };
    },
    processes,
    fail,
    async setCable(host, isIn) {
      await ip('-n', switchName, 'link', 'set', `p${host}`, isIn ? 'up' : 'down');
    },
    [Symbol.asyncDispose]: dispose,
  };
}
