/**
 * What NVIDIA's GPUs of this machine do, as `nvidia-smi` says it: use, memory, temperature and power, by the number of the GPU.
 * Where there is no such program there are no such metrics, and nothing is said about it.
 */
import { execFile } from 'node:child_process';
import { Gauge, type Registry } from 'prom-client';

export interface GpuWatchOptions {
  readonly registry: Registry;
  /** A metric is called `PREFIXgpu_...`. */
  readonly prefix: string;
  /** The program to ask. */
  readonly command?: string;
  readonly everyMs?: number;
}

interface GpuFigure {
  readonly name: string;
  readonly help: string;
  /** As `nvidia-smi --help-query-gpu` calls it. */
  readonly query: string;
  /** What one unit of nvidia-smi is in the metric's. */
  readonly scale: number;
}

const MIB = 1_048_576;
const FIGURES: readonly GpuFigure[] = [
  { name: 'utilization_ratio', help: 'Share of time in which a GPU computed.', query: 'utilization.gpu', scale: 0.01 },
  { name: 'memory_used_bytes', help: 'Memory of a GPU that is in use.', query: 'memory.used', scale: MIB },
  { name: 'memory_total_bytes', help: 'Memory of a GPU.', query: 'memory.total', scale: MIB },
  { name: 'temperature_celsius', help: 'Temperature of a GPU.', query: 'temperature.gpu', scale: 1 },
  { name: 'power_watts', help: 'Power that a GPU draws.', query: 'power.draw', scale: 1 },
];
const QUERY = `--query-gpu=index,${FIGURES.map(({ query }) => query).join(',')}`;

const EVERY_MS = 5_000;
/** Longest answer; a driver in trouble may not answer at all. */
const ANSWER_MS = 4_000;
const MOST_BYTES = 64 * 1_024;

/** Begins to ask, until it is disposed of. Nothing that the program does can disturb the process. */
export function watchGpus({
  registry,
  prefix,
  command = 'nvidia-smi',
  everyMs = EVERY_MS,
}: GpuWatchOptions): Disposable {
  let gauges: readonly Gauge<'gpu'>[] | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const ask = (): void => {
    const options = { timeout: ANSWER_MS, maxBuffer: MOST_BYTES, windowsHide: true };
    execFile(command, [QUERY, '--format=csv,noheader,nounits'], options, (error, stdout) => {
      // A driver that is being replaced fails for a while; a program that is not there stays away.
      if (isOver || error?.code === 'ENOENT') return;
      const rows = error === null ? parseGpus(stdout) : [];
      if (rows.length > 0) gauges ??= makeGauges(registry, prefix);
      gauges?.forEach((gauge, column) => {
        // A GPU that says nothing any more has no value, instead of its last one.
        gauge.reset();
        for (const { gpu, values } of rows) {
          const value = values[column];
          if (value !== undefined) gauge.set({ gpu }, value);
        }
      });
      timer = setTimeout(ask, everyMs).unref();
    });
  };
  ask();
  return {
    [Symbol.dispose]() {
      isOver = true;
      clearTimeout(timer);
    },
  };
}

function makeGauges(registry: Registry, prefix: string): Gauge<'gpu'>[] {
  return FIGURES.map(
    ({ name, help }) =>
      new Gauge({ name: `${prefix}gpu_${name}`, help, labelNames: ['gpu'] as const, registers: [registry] }),
  );
}

interface GpuRow {
  readonly gpu: string;
  /** In the order of FIGURES; undefined where the GPU does not say it. */
  readonly values: readonly (number | undefined)[];
}

/** Lines such as `0, 45, 2048, 81559, 38, 120.51`; what a GPU does not support is `[N/A]`. */
export function parseGpus(text: string): GpuRow[] {
  return text.split('\n').flatMap((line) => {
    const [gpu = '', ...cells] = line.split(',').map((cell) => cell.trim());
    if (!/^\d+$/.test(gpu) || cells.length !== FIGURES.length) return [];
    const values = cells.map((cell, column) => {
      const value = cell === '' ? Number.NaN : Number(cell);
      return Number.isFinite(value) ? value * FIGURES[column]!.scale : undefined;
    });
    return [{ gpu, values }];
  });
}
