/**
 * Runs the real `facet` command as a child process in a folder of its own. Nothing is mocked: broker, coordinator and
 * workers are what a user gets. Whatever a test starts ends with the test.
 */
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export const FACET_MAIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));

/** One dataset, and one engine for all workers: on a machine with a GPU they could choose differently. */
export const MNIST_ON_CPU = ['--dataset', 'mnist', '--engine', 'onnxruntime', '--device', 'cpu'] as const;

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly done: Promise<CommandResult>;
}

export interface Workspace extends AsyncDisposable {
  readonly folder: string;
  readonly runs: string;
  /** Starts the command and lets it run. */
  start(args: readonly string[], environment?: Record<string, string>): RunningCommand;
  /** Runs the command to its end. */
  run(args: readonly string[], environment?: Record<string, string>): Promise<CommandResult>;
}

/** What a worker that is started by hand needs to join a run of the workspace. */
export function tokenOf({ runs }: Pick<Workspace, 'runs'>, run: string): Record<string, string> {
  return { FACET_RUN_TOKEN_FILE: path.join(runs, run, 'run.token') };
}

/** Where a coordinator that was started says that it is; fails with what it said when it has ended instead. */
export async function whereabouts(
  { runs }: Pick<Workspace, 'runs'>,
  run: string,
  coordinator: RunningCommand,
): Promise<{ readonly address: string; readonly httpUrl: string }> {
  const file = path.join(runs, run, 'coordinator.json');
  let text = '';
  await until('the coordinator says where it is', async () => {
    text = await readFile(file, 'utf8').catch(() => '');
    return text !== '' || coordinator.child.exitCode !== null;
  });
  if (text === '') throw new Error((await coordinator.done).stderr);
  return JSON.parse(text) as { address: string; httpUrl: string };
}

/** Makes a folder with its own runs folder; everything in it goes away at the end. */
export async function openWorkspace(): Promise<Workspace> {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-test-'));
  const runs = path.join(folder, 'runs');
  const children = new Set<ChildProcess>();
  const start = (args: readonly string[], environment: Record<string, string> = {}): RunningCommand => {
    const child = spawn(process.execPath, [FACET_MAIN, ...args], {
      cwd: folder,
      env: { ...process.env, FACET_RUNS: runs, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.add(child);
    const done = followed(child).finally(() => children.delete(child));
    return { child, done };
  };
  return {
    folder,
    runs,
    start,
    run: (args, environment) => start(args, environment).done,
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** What a process with piped output says, when it has ended. */
export function followed(child: ChildProcessByStdio<null, Readable, Readable>): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => {
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

/** The object that `--json` prints; throws with everything the command said when stdout is not exactly that. */
export function parseJson(result: CommandResult): Record<string, unknown> & TrainingSummary {
  const lines = result.stdout.trim().split('\n');
  if (lines.length !== 1)
    throw new Error(`stdout has ${lines.length} lines, expected one:\n${result.stdout}\n${result.stderr}`);
  try {
    return JSON.parse(lines[0]!) as Record<string, unknown> & TrainingSummary;
  } catch {
    throw new Error(`the command printed no JSON (exit ${result.code}):\n${result.stdout}\n${result.stderr}`);
  }
}

export interface TrainingSummary {
  readonly run: string;
  readonly steps: number;
  readonly testAccuracy: number;
  readonly weightsSha256: string;
  readonly workers: number;
  readonly faults: number;
  readonly ledger: {
    readonly expected: number;
    readonly committed: number;
    readonly missing: number;
    readonly duplicated: number;
  };
}

/** Polls until a condition holds; fails with the name of the condition. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  timeoutMs = 90_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Number of commits in a run's ledger so far. */
export async function committedSteps(runFolder: string): Promise<number> {
  const file = path.join(runFolder, 'ledger.jsonl');
  if (!existsSync(file)) return 0;
  return (await readFile(file, 'utf8')).split('\n').filter((line) => line.includes('"kind":"commit"')).length;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly command: string;
}

/** Processes of this machine whose command line contains a text, from /proc. */
export async function processesWith(text: string): Promise<ProcessInfo[]> {
  const found: ProcessInfo[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const command = (await readFile(`/proc/${entry}/cmdline`, 'utf8')).replaceAll('\0', ' ');
      if (command.includes(text)) found.push({ pid: Number(entry), command });
    } catch {
      // The process ended between the listing and the reading.
    }
  }
  return found;
}
