/**
 * The files of deploy/ without running them: they parse, they agree with each other and with the configuration schema, and
 * promtool accepts what is Prometheus'. What needs a run is in prometheus.test.ts.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { NAMED_TASKS } from '@facet/lab/data';
import { resolveConfig, type RunConfig } from '@facet/shared';
import { PRESETS } from '@facet/multiview/config';
import { parse } from 'yaml';
import { readDashboard } from './dashboard.js';
import { findPrometheus, NO_PROMETHEUS, runPromtool } from './prometheus-server.js';
import { DEPLOY } from './repository.js';

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command?: string | readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly deploy?: { readonly replicas: number };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const compose = readYaml('compose.yaml', { merge: true }) as Compose;

describe('deploy/facet.yaml', () => {
  test('is a sound configuration, and trains what its preset says', () => {
    const { preset, batch, epochs, task } = exampleConfig();
    expect({ batch, epochs, task }).toEqual({
      batch: PRESETS['mnist-fast'].batch,
      epochs: PRESETS['mnist-fast'].epochs,
      task: PRESETS['mnist-fast'].task,
    });
    expect(preset).toBe('mnist-fast');
  });

  test('is sound with every setting that it has switched off', () => {
    const text = readFileSync(path.join(DEPLOY, 'facet.yaml'), 'utf8').replaceAll(/^#(?=\S|  )/gm, '');
    const config = soundConfig(parse(text));
    expect(config).toMatchObject({
      run: 'my-run',
      evaluation: 'held-out',
      task: { options: { augmentation: { cutoutPixels: 6 } } },
    });
  });

  test('waits for as many workers as the Compose file starts', () => {
    expect(exampleConfig().workers.count).toBe(compose.services['worker']?.deploy?.replicas);
  });

  test('names the ports, the host and the broker that the Compose file has', () => {
    const { coordinator, nats } = exampleConfig();
    expect(compose.services[coordinator.host]?.ports).toEqual([
      '${BIND_ADDRESS:-127.0.0.1}:' + `${coordinator.port}:${coordinator.port}`,
      '${BIND_ADDRESS:-127.0.0.1}:' + `${coordinator.httpPort}:${coordinator.httpPort}`,
    ]);
    expect(Object.keys(compose.services)).toContain(new URL(nats.url).hostname);
    expect(String(compose.services['worker']?.command)).toContain(
      `--coordinator ${coordinator.host}:${coordinator.port} `,
    );
  });
});

describe('deploy/Dockerfile.dockerignore', () => {
  test('keeps every project that the image builds', () => {
    const ignored = readFileSync(path.join(DEPLOY, 'Dockerfile.dockerignore'), 'utf8').split('\n');
    const { references } = JSON.parse(readFileSync(path.join(DEPLOY, '..', 'tsconfig.json'), 'utf8')) as {
      references: { path: string }[];
    };
    const folders = references.map((reference) => reference.path.split('/')[0]!);
    expect(ignored.filter((line) => folders.includes(line))).toEqual([]);
  });
});

describe('deploy/compose.yaml', () => {
  const services = Object.entries(compose.services);

  test('has a broker with JetStream, a coordinator, workers, Prometheus and Grafana', () => {
    expect(Object.keys(compose.services)).toEqual(['broker', 'coordinator', 'worker', 'prometheus', 'grafana']);
    expect(compose.services['broker']?.command).toContain('-js');
  });

  test.each(services)(
    '%s checks its health, and pins an image or is built here',
    (_name, { image, build, healthcheck }) => {
      expect(healthcheck?.test.length).toBeGreaterThan(1);
      expect(build === undefined ? image : 'built:here').toMatch(/:(v?\d[\w.-]+|here)$/);
    },
  );

  test.each(services)('%s opens ports on 127.0.0.1 unless told otherwise', (_name, { ports = [] }) => {
    for (const port of ports) expect(port).toMatch(/^\$\{BIND_ADDRESS:-127\.0\.0\.1\}:\d+:\d+$/);
  });

  test.each(services)('%s waits only for services that have a health', (_name, { depends_on = {} }) => {
    for (const [name, { condition }] of Object.entries(depends_on)) {
      expect(condition).toBe('service_healthy');
      expect(compose.services[name]?.healthcheck).toBeDefined();
    }
  });

  test.each(services)('%s mounts and builds from what is there', (_name, { volumes = [], build }) => {
    for (const volume of volumes) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('.')) expect(existsSync(path.join(DEPLOY, source)), volume).toBe(true);
      else expect(Object.keys(compose.volumes)).toContain(source);
    }
    if (build !== undefined) expect(existsSync(path.join(DEPLOY, build.context, build.dockerfile))).toBe(true);
  });
});

describe('deploy/prometheus', () => {
  test('asks the coordinator of facet.yaml where the targets are', () => {
    const { coordinator } = exampleConfig();
    const { scrape_configs } = readYaml('prometheus/prometheus.yml') as {
      scrape_configs: { http_sd_configs: { url: string }[] }[];
    };
    const urls = scrape_configs.flatMap(({ http_sd_configs }) => http_sd_configs.map(({ url }) => url));
    expect(urls).toEqual([`http://${coordinator.host}:${coordinator.httpPort}/sd`]);
  });

  test.for([
    ['check config', path.join(DEPLOY, 'prometheus/prometheus.yml')],
    ['check rules', path.join(DEPLOY, 'prometheus/alerts.yml')],
    // Every alert fires when it should, and only then.
    ['test rules', path.join(import.meta.dirname, 'alerts.yaml')],
  ] as const)('passes promtool %s', ([command, file], { skip }) => {
    const binaries = findPrometheus();
    if (binaries === undefined) return skip(NO_PROMETHEUS);
    const { status, output } = runPromtool(binaries, [...command.split(' '), file]);
    expect(output).toContain('SUCCESS');
    expect(output).not.toMatch(/FAILED|WARNING/);
    expect(status).toBe(0);
  });

  test('has a test for every alert', () => {
    const { groups } = readYaml('prometheus/alerts.yml') as { groups: { rules: { alert: string }[] }[] };
    const alerts = groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    const tests = readFileSync(path.join(import.meta.dirname, 'alerts.yaml'), 'utf8');
    expect(alerts.filter((alert) => !tests.includes(`alertname: ${alert}\n`))).toEqual([]);
  });
});

describe('deploy/grafana', () => {
  const dashboard = readDashboard();
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');

  test('the data source is a variable in every panel', () => {
    expect(dashboard.templating.list.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      'datasource: datasource',
      'coordinator: query',
      'worker: query',
    ]);
    for (const { title, datasource, targets = [] } of panels) {
      expect(
        [datasource, ...targets.map((target) => target.datasource)].map((source) => source?.uid),
        title,
      ).toEqual(Array.from({ length: targets.length + 1 }, () => '${datasource}'));
    }
  });

  test('every panel says its unit and what it shows, and reads one run alone', () => {
    for (const { title, description, fieldConfig, targets = [] } of panels) {
      expect(fieldConfig?.defaults.unit, title).toBeTruthy();
      expect(description, title).toBeTruthy();
      expect(targets.length, title).toBeGreaterThan(0);
      for (const { expr } of targets) {
        for (const selector of expr.match(/\b(facet|process|nodejs)_\w+(\{[^}]*\})?/g) ?? []) {
          expect(selector, title).toContain('{coordinator="$coordinator"');
        }
      }
    }
  });

  test('panels have ids of their own, stay within 24 columns and do not overlap', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      const { x, y, w, h } = gridPos;
      expect(x + w, title).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          expect(taken.get(`${column}/${line}`), `${title} lies on another panel`).toBeUndefined();
          taken.set(`${column}/${line}`, title);
        }
      }
    }
  });

  test('Grafana finds the dashboard and its data source where the Compose file mounts them', () => {
    const { providers } = readYaml('grafana/provisioning/dashboards/facet.yml') as {
      providers: { options: { path: string } }[];
    };
    const { datasources } = readYaml('grafana/provisioning/datasources/prometheus.yml') as {
      datasources: { type: string; url: string; jsonData: { timeInterval: string } }[];
    };
    const { global } = readYaml('prometheus/prometheus.yml') as { global: { scrape_interval: string } };
    expect(compose.services['grafana']?.volumes).toContain(`./grafana/dashboards:${providers[0]?.options.path}:ro`);
    expect(datasources).toMatchObject([
      { type: 'prometheus', url: 'http://prometheus:9090', jsonData: { timeInterval: global.scrape_interval } },
    ]);
  });
});

function readYaml(file: string, options: { readonly merge?: boolean } = {}): unknown {
  return parse(readFileSync(path.join(DEPLOY, file), 'utf8'), options) as unknown;
}

function exampleConfig(): RunConfig {
  return soundConfig(readYaml('facet.yaml'));
}

function soundConfig(file: unknown): RunConfig {
  const defaultRun = (): string => 'example';
  const resolved = resolveConfig({ tasks: NAMED_TASKS, file, environment: {}, flags: {}, defaultRun });
  expect(resolved.ok ? [] : resolved.problems).toEqual([]);
  if (!resolved.ok) throw new Error('deploy/facet.yaml is not a sound configuration');
  return resolved.config;
}
