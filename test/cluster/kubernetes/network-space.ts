/**
 * A network namespace for everything that a cluster opens: bridges, ports and the cluster's addresses are in there, and not on
 * the machine's own network. Programs inside are children of this process and end with it.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const PATIENCE_MS = 20_000;

export interface NetworkSpace extends AsyncDisposable {
  /** Words before a command that put it into the namespace. */
  readonly enter: readonly string[];
  /** Starts a program whose output goes into a file of the folder. */
  start(name: string, command: readonly string[], environment?: NodeJS.ProcessEnv): ChildProcess;
  /** Runs a program to its end. */
  run(command: readonly string[], environment?: NodeJS.ProcessEnv): Promise<string>;
}

/** @param folder where the logs of programs go */
export async function openNetworkSpace(folder: string): Promise<NetworkSpace> {
  const name = `facet-cluster-${process.pid}`;
  await execute('ip', ['netns', 'add', name]);
  await execute('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  // Not `ip netns exec`: it hides the cgroups, which a kubelet needs.
  const enter = ['nsenter', `--net=/run/netns/${name}`];
  const started: ChildProcess[] = [];
  return {
    enter,
    start(program, command, environment = process.env) {
      const log = openSync(path.join(folder, `${program}.log`), 'a');
      const [file = '', ...args] = [...enter, ...command];
      const child = spawn(file, args, { stdio: ['ignore', log, log], env: environment });
      started.push(child);
      return child;
    },
    async run(command, environment = process.env) {
      const [file = '', ...args] = [...enter, ...command];
      const { stdout } = await execute(file, args, { env: environment, maxBuffer: 64 * 1024 * 1024 });
      return stdout;
    },
    async [Symbol.asyncDispose]() {
      for (const child of started.toReversed()) await endChild(child);
      await execute('ip', ['netns', 'delete', name]);
    },
  };
}

/** Ends one program, and waits until it is gone. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await gone;
  clearTimeout(timer);
}
