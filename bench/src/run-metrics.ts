/**
 * Reads the metrics of a running run from outside, the way Prometheus does: the coordinator says where everybody is.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Sample lines of the Prometheus text format: name{labels} -> value. */
export type Metrics = ReadonlyMap<string, number>;

export interface ScrapedProcess {
  readonly role: string;
  /** host:port */
  readonly target: string;
  readonly metrics: Metrics;
}

/** Scrapes coordinator and workers once. Rejects while the run is starting or ending. */
export async function scrapeRun(runFolder: string, signal: AbortSignal): Promise<ScrapedProcess[]> {
  const { httpUrl } = JSON.parse(await readFile(path.join(runFolder, 'coordinator.json'), 'utf8')) as {
    httpUrl: string;
  };
  const groups = (await (await fetch(new URL('/sd', httpUrl), { signal })).json()) as {
    targets: [string];
    labels: { role: string };
  }[];
  return Promise.all(
    groups.map(async ({ targets: [target], labels }) => ({
      role: labels.role,
      target,
      metrics: parseMetrics(await (await fetch(`http://${target}/metrics`, { signal })).text()),
    })),
  );
}

/** Parses a page of metrics. */
export function parseMetrics(text: string): Metrics {
  const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

/** A metric that must be there. */
export function metric(metrics: Metrics, name: string): number {
  const value = metrics.get(name);
  if (value === undefined) throw new Error(`the process has no metric ${name}; the bench must follow its new name`);
  return value;
}

const PART_SECONDS = /^facet_worker_step_part_duration_seconds_sum\{part="(.*)"\}$/;

/** How a worker spent its steps. */
export interface StepTimes {
  readonly steps: number;
  readonly seconds: number;
  /** Part of a step -> its share of the step, 0 to 1. */
  readonly shares: ReadonlyMap<string, number>;
}

/** Reads them from a worker's metrics. */
export function stepTimes(metrics: Metrics): StepTimes {
  const seconds = metric(metrics, 'facet_worker_step_duration_seconds_sum');
  const shares = new Map<string, number>();
  for (const [name, value] of metrics) {
    const part = PART_SECONDS.exec(name)?.[1];
    if (part !== undefined) shares.set(part, value / seconds);
  }
  return { steps: metric(metrics, 'facet_worker_step_duration_seconds_count'), seconds, shares };
}
