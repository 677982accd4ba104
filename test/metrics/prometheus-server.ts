/**
 * A real Prometheus for the tests: the binary of FACET_PROMETHEUS_BIN or on PATH, on a free port of 127.0.0.1, with a
 * configuration and a store in a temporary folder that goes away with it. promtool is the one beside it.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startChild } from './child.js';
import { eventually } from './eventually.js';
import { DEPLOY } from './repository.js';

const START_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 10_000;

/** Why a test that needs Prometheus is skipped. */
export const NO_PROMETHEUS = 'no prometheus and promtool: FACET_PROMETHEUS_BIN names none and there are none on PATH';

export interface PrometheusBinaries {
  readonly prometheus: string;
  readonly promtool: string;
}

/** The binaries, or undefined when this machine has none. */
export function findPrometheus(env: NodeJS.ProcessEnv = process.env): PrometheusBinaries | undefined {
  const named = env['FACET_PROMETHEUS_BIN'];
  const onPath = (env['PATH'] ?? '').split(path.delimiter).map((folder) => path.join(folder, 'prometheus'));
  const candidates = named ? [named] : onPath;
  return candidates
    .map((prometheus) => ({ prometheus, promtool: path.join(path.dirname(prometheus), 'promtool') }))
    .find(({ prometheus, promtool }) => isExecutable(prometheus) && isExecutable(promtool));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return path.isAbsolute(file);
  } catch {
    return false;
  }
}

/** Runs promtool; `output` holds everything that it says. */
export function runPromtool(
  { promtool }: PrometheusBinaries,
  args: readonly string[],
  input = '',
): { readonly status: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(promtool, args, { input, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Target {
  readonly labels: Readonly<Record<string, string>>;
  readonly health: 'up' | 'down' | 'unknown';
  readonly lastError: string;
  readonly scrapeUrl: string;
}

export interface Rule {
  readonly name: string;
  readonly query: string;
  readonly health: 'ok' | 'err' | 'unknown';
  readonly lastError?: string;
}

export interface PrometheusServer extends AsyncDisposable {
  readonly url: string;
  /** An instant query; a scalar is one sample without labels. */
  query(expression: string): Promise<readonly Sample[]>;
  targets(): Promise<readonly Target[]>;
  rules(): Promise<readonly Rule[]>;
}

/**
 * Starts Prometheus and waits until it is ready.
 *
 * @param config the content of its configuration file; JSON is YAML. Rule files of deploy/prometheus lie beside it.
 */
export async function startPrometheus(binaries: PrometheusBinaries, config: unknown): Promise<PrometheusServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-prometheus-'));
  await cp(path.join(DEPLOY, 'prometheus/alerts.yml'), path.join(folder, 'alerts.yml'));
  await writeFile(path.join(folder, 'prometheus.yml'), JSON.stringify(config));
  const child = startChild({
    command: binaries.prometheus,
    args: [
      `--config.file=${path.join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${path.join(folder, 'store')}`,
      '--web.listen-address=127.0.0.1:0',
    ],
    stop: { signal: 'SIGTERM', limitMs: STOP_LIMIT_MS },
  });
  const close = async (): Promise<void> => {
    await child[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const url = await eventually('Prometheus is ready', START_LIMIT_MS, async () => {
      // It says the port that it got only in its log.
      const address = /msg="Listening on".* address=(\S+)/.exec(child.output())?.[1];
      if (address === undefined) return undefined;
      const { ok } = await fetch(`http://${address}/-/ready`);
      return ok ? `http://${address}` : undefined;
    });
    return { url, ...api(url), [Symbol.asyncDispose]: close };
  } catch (caught) {
    const { cause } = caught as Error;
    await close();
    throw new Error(`Prometheus does not start: ${child.output()}`, { cause });
  }
}

function api(url: string): Pick<PrometheusServer, 'query' | 'targets' | 'rules'> {
  const get = async <T>(route: string): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${route}`);
    const body = (await response.json()) as { readonly status: string; readonly error?: string; readonly data: T };
    if (body.status !== 'success') throw new Error(`${route}: ${body.error ?? response.status}`);
    return body.data;
  };
  return {
    async query(expression) {
      const data = await get<QueryData>(`query?${new URLSearchParams({ query: expression }).toString()}`);
      if (data.resultType === 'scalar') return [{ labels: {}, value: Number(data.result[1]) }];
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
    },
    async targets() {
      return (await get<{ readonly activeTargets: readonly Target[] }>('targets?state=active')).activeTargets;
    },
    async rules() {
      const { groups } = await get<{ readonly groups: readonly { readonly rules: readonly Rule[] }[] }>('rules');
      return groups.flatMap(({ rules }) => rules);
    },
  };
}

type Value = readonly [time: number, value: string];

type QueryData =
  | { readonly resultType: 'scalar'; readonly result: Value }
  | {
      readonly resultType: 'vector';
      readonly result: readonly { readonly metric: Readonly<Record<string, string>>; readonly value: Value }[];
    };
