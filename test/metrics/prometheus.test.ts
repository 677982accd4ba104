/**
 * A real Prometheus with the configuration of deploy/ scrapes a real run: every target is up, every query of the dashboard
 * has data, every alert can be evaluated, and what is exported is clean and documented. One run serves all tests, in their
 * order; in its course a third worker joins and is killed, so that there is a fault to be seen.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { dashboardQueries } from './dashboard.js';
import { eventually } from './eventually.js';
import { documentedMetrics, exportedMetrics, isProcessMetric, metricsIn } from './metric-names.js';
import {
  findPrometheus,
  NO_PROMETHEUS,
  runPromtool,
  startPrometheus,
  type PrometheusServer,
  type Target,
} from './prometheus-server.js';
import { DEPLOY } from './repository.js';
import { startTrainingRun, startWorker, type TrainingRun } from './training-run.js';

const LIMIT_MS = 120_000;
const STEP_LIMIT_MS = 60_000;
/** The regroup must still be within it when its panel is asked. */
const RATE_INTERVAL = '2m';

const binaries = findPrometheus();

describe('a real Prometheus that scrapes a real run', { timeout: LIMIT_MS }, () => {
  let run: TrainingRun;
  let prometheus: PrometheusServer;

  beforeAll(async () => {
    if (binaries === undefined) return;
    run = await startTrainingRun();
    prometheus = await startPrometheus(binaries, adaptedConfig(`${run.httpUrl}/sd`));
  }, LIMIT_MS);

  afterAll(async () => {
    await prometheus?.[Symbol.asyncDispose]();
    await run?.[Symbol.asyncDispose]();
  }, LIMIT_MS);

  beforeEach((context) => {
    if (binaries === undefined) context.skip(NO_PROMETHEUS);
    else run.up.requireRunning();
  });

  const variables = (): Record<string, string> => ({
    coordinator: new URL(run.httpUrl).host,
    worker: '.*',
    __rate_interval: RATE_INTERVAL,
  });

  /** The targets that are up, once there is one coordinator and so many workers and none is down. */
  const waitForWorkers = (count: number): Promise<readonly Target[]> =>
    eventually(`a coordinator and ${count} workers are up`, STEP_LIMIT_MS, async () => {
      const targets = await prometheus.targets();
      const roles = targets.filter(({ health }) => health === 'up').map(({ labels }) => labels['role']);
      const isComplete = roles.filter((role) => role === 'worker').length === count && roles.includes('coordinator');
      return isComplete && roles.length === targets.length && targets.length === count + 1 ? targets : undefined;
    });

  const waitForSum = (expression: string, least: number): Promise<number> =>
    eventually(`${expression} is at least ${least}`, STEP_LIMIT_MS, async () => {
      const [sample] = await prometheus.query(`sum(${expression})`);
      return sample !== undefined && sample.value >= least ? sample.value : undefined;
    });

  test('finds the coordinator and both workers at /sd and scrapes them', async () => {
    const targets = await waitForWorkers(2);
    const { coordinator } = variables();
    for (const { labels } of targets) expect(labels).toMatchObject({ job: 'facet', coordinator });
    const workers = targets.filter(({ labels }) => labels['role'] === 'worker').map(({ labels }) => labels['worker']);
    expect(new Set(workers).size).toBe(2);
  });

  test('sees a worker that joins, and its death as a fault', async () => {
    await waitForSum('facet_coordinator_ledger_commits_total', 1);
    await using third = startWorker(run);
    await waitForWorkers(3);
    await waitForSum('facet_coordinator_world_size', 3);
    third.process.kill('SIGKILL');
    await waitForWorkers(2);
    await waitForSum('facet_coordinator_faults_total', 1);
    await waitForSum('facet_coordinator_regroup_duration_seconds_count', 2);
    await waitForSum('facet_coordinator_world_size', 2);
  });

  test('has data for every query of the dashboard', async () => {
    const queries = dashboardQueries(variables());
    // A run evaluates one split; this one the test split, so that the gauges of the other one are no numbers.
    const ofHeldOut = queries.filter(({ expression }) => expression.includes('held_out'));
    expect(ofHeldOut.length).toBeGreaterThan(0);
    for (const { panel, expression } of ofHeldOut) {
      const values = (await prometheus.query(expression)).map(({ value }) => value);
      expect(values.some(Number.isFinite), panel).toBe(false);
    }
    for (const { panel, expression } of queries.filter((query) => !ofHeldOut.includes(query))) {
      const samples = await eventually(`panel "${panel}" has data: ${expression}`, STEP_LIMIT_MS, async () => {
        run.up.requireRunning();
        const found = await prometheus.query(expression);
        return found.some(({ value }) => Number.isFinite(value)) ? found : undefined;
      });
      // One line per worker or constant name at most: three workers were here, and there are four parts of a step.
      expect(samples.length, panel).toBeLessThanOrEqual(4);
    }
  });

  test('offers Grafana the values of its variables', async () => {
    const { coordinator } = variables();
    const phases = await prometheus.query('group by (coordinator) (facet_coordinator_phase)');
    expect(phases.map(({ labels }) => labels['coordinator'])).toEqual([coordinator]);
    const steps = await prometheus.query(`group by (worker) (facet_worker_steps_total{coordinator="${coordinator}"})`);
    expect(steps.filter(({ labels }) => labels['worker']).length).toBeGreaterThanOrEqual(2);
  });

  test('evaluates every alert, over metrics that exist', async () => {
    const rules = await eventually('every rule was evaluated', STEP_LIMIT_MS, async () => {
      const found = await prometheus.rules();
      return found.some(({ health }) => health === 'unknown') ? undefined : found;
    });
    expect(rules.length).toBeGreaterThan(0);
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    const exported = await everythingExported();
    for (const { name, query } of rules) {
      for (const metric of metricsIn(query)) expect([...exported.keys()], name).toContain(metric);
    }
  });

  test.each(['coordinator', 'worker'])('promtool check metrics finds nothing wrong with the %s', async (role) => {
    const { status, output } = runPromtool(binaries!, ['check', 'metrics'], await metricsOf(role));
    expect(output).toBe('');
    expect(status).toBe(0);
  });

  test('docs/operations.md lists exactly what is exported', async () => {
    const documented = documentedMetrics();
    const exported = await everythingExported();
    const own = (metrics: ReadonlyMap<string, string>): string[] =>
      [...metrics]
        .filter(([name]) => !isProcessMetric(name))
        .map(([name, type]) => `${name} ${type}`)
        .sort();
    expect(own(documented)).toEqual(own(exported));

    const families = [...documented.keys()].filter(isProcessMetric).map((family) => family.replace(/\*$/, ''));
    const others = [...exported.keys()].filter(isProcessMetric);
    expect(others.filter((name) => !families.some((family) => name.startsWith(family)))).toEqual([]);
    expect(families.filter((family) => !others.some((name) => name.startsWith(family)))).toEqual([]);
  });

  test('leaves no process and no port behind', async () => {
    // `facet up`, coordinator, two workers, the broker and the shell that guards it.
    const processes = await processTree(run.up.process.pid!);
    expect(processes.length).toBeGreaterThanOrEqual(6);
    const urls = [...(await prometheus.targets()).map(({ scrapeUrl }) => scrapeUrl), prometheus.url];
    await prometheus[Symbol.asyncDispose]();
    await run[Symbol.asyncDispose]();
    expect(run.up.process.exitCode).toBe(130);
    expect(processes.filter(isAlive)).toEqual([]);
    for (const url of urls) await expect(fetch(url), url).rejects.toThrow();
  });

  async function metricsOf(role: string): Promise<string> {
    const target = (await prometheus.targets()).find(({ labels }) => labels['role'] === role);
    return await (await fetch(target!.scrapeUrl)).text();
  }

  async function everythingExported(): Promise<ReadonlyMap<string, string>> {
    const texts = [await metricsOf('coordinator'), await metricsOf('worker')];
    return new Map(texts.flatMap((text) => [...exportedMetrics(text)]));
  }
});

/** deploy/prometheus/prometheus.yml with another address to ask and no patience. */
function adaptedConfig(sdUrl: string): unknown {
  const text = readFileSync(path.join(DEPLOY, 'prometheus/prometheus.yml'), 'utf8');
  const config = parse(text) as {
    global: object;
    scrape_configs: { http_sd_configs: object[] }[];
  };
  Object.assign(config.global, { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' });
  for (const { http_sd_configs } of config.scrape_configs) {
    for (const discovery of http_sd_configs) Object.assign(discovery, { url: sdUrl, refresh_interval: '1s' });
  }
  return config;
}

/** A process and everything that it started, directly or not. */
async function processTree(root: number): Promise<readonly number[]> {
  const parents = new Map<number, number>();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    // The second field is the command in brackets, which may hold anything; the parent is the second field after it.
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
    if (parent !== undefined) parents.set(Number(entry), Number(parent));
  }
  const tree = [root];
  for (const member of tree) tree.push(...[...parents].filter(([, parent]) => parent === member).map(([pid]) => pid));
  return tree;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
