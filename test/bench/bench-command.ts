/** Runs a compiled bench as `npm run bench` does, in a temporary folder of its own; whatever it starts carries a mark. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../bench/dist/main.js', import.meta.url));
const MARK = 'FACET_BENCH_MARK';

export interface BenchEnd {
  /** What a shell would report. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningBench extends AsyncDisposable {
  readonly ended: Promise<BenchEnd>;
  interrupt(signal: NodeJS.Signals): void;
  /** Process ids of the bench and of everything it started, by their environment; Linux only. */
  processes(): Promise<number[]>;
  /** What it left in its temporary folder. */
  leftFiles(): Promise<string[]>;
}

/** Starts a bench. */
export async function startBench(...args: readonly string[]): Promise<RunningBench> {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-bench-test-'));
  const mark = randomUUID();
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, TMPDIR: folder, NO_COLOR: '1', [MARK]: mark },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<BenchEnd>((resolve) => {
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
  const processes = (): Promise<number[]> => processesWithEnvironment(`${MARK}=${mark}`);
  return {
    ended,
    interrupt: (signal) => void child.kill(signal),
    processes,
    leftFiles: () => readdir(folder),
    async [Symbol.asyncDispose]() {
      for (const pid of await processes()) killIfThere(pid);
      await ended;
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Runs a bench to its end. */
export async function runBench(...args: readonly string[]): Promise<BenchEnd> {
  await using bench = await startBench(...args);
  return await bench.ended;
}

async function processesWithEnvironment(entry: string): Promise<number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const marked = await Promise.all(
    pids.map(async (pid) => (await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')).includes(entry)),
  );
  return pids.filter((_, index) => marked[index]).map(Number);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended meanwhile.
  }
}
