/** `facet up`, watched from outside. It ends with the bench. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import type { BenchContext } from '../bench.js';
import { facetCommand } from '../process/facet-command.js';
import { metric, scrapeRun, type ScrapedProcess } from '../run-metrics.js';
import type { MemorySamples } from './process-memory.js';

const SAMPLE_EVERY_MS = 500;
const SMALL_SAMPLE_EVERY_MS = 50;
/** `facet up` ends its run in order within this time, else it is killed, and its processes end with it. */
const STOP_DEADLINE_MS = 30_000;

export interface ScrapedRun {
  readonly memory: readonly MemorySamples[];
  /** The last time that everybody was there; at the end the workers are gone first. */
  readonly last: readonly ScrapedProcess[];
}

/** Trains to the end. @throws Error when the command fails, or the signal's reason when it is aborted */
export async function trainAndScrape(
  runs: string,
  run: string,
  flags: readonly string[],
  { signal, isSmall }: BenchContext,
): Promise<ScrapedRun> {
  signal.throwIfAborted();
  const child = spawn(process.execPath, facetCommand('up', '--run', run, '--json', ...flags), {
    env: { ...process.env, FACET_RUNS: runs },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', resolve);
    child.once('error', () => {
      resolve(null);
    });
  });
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    killTimer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  };
  signal.addEventListener('abort', stop, { once: true });

  const memory = new Map<string, { role: string; megabytes: number[] }>();
  let last: readonly ScrapedProcess[] = [];
  const scrape = async (): Promise<void> => {
    const processes = await scrapeRun(path.join(runs, run), signal);
    if (processes.some(({ role }) => role === 'worker')) last = processes;
    for (const { role, target, metrics } of processes) {
      const known = memory.get(target) ?? { role, megabytes: [] };
      known.megabytes.push(metric(metrics, 'process_resident_memory_bytes') / 1e6);
      memory.set(target, known);
    }
  };
  const timer = setInterval(
    () => {
      scrape().catch(() => undefined); // The run is starting or ending.
    },
    isSmall ? SMALL_SAMPLE_EVERY_MS : SAMPLE_EVERY_MS,
  );
  const code = await ended;
  clearInterval(timer);
  clearTimeout(killTimer);
  signal.removeEventListener('abort', stop);
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`facet up ended with exit code ${code}, expected 0`);
  return { memory: [...memory.values()], last };
}
