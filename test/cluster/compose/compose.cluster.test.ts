/**
 * What `facet deploy compose` prints, started by the real Docker Compose with the image of deploy/Dockerfile: every service is
 * healthy, a real Prometheus scrapes every process, and the run has the weights of `facet up`.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { openWorkspace, parseJson, until } from '../../testkit/facet.js';
import { CLUSTER_CACHE, whyNoCompose } from '../cluster-cache.js';
import { openDockerEngine, type DockerEngine } from '../kubernetes/docker-engine.js';
import { openNetworkSpace, type NetworkSpace } from '../kubernetes/network-space.js';

const execute = promisify(execFile);
const MINUTE_MS = 60_000;
const FACET = path.resolve(import.meta.dirname, '../../../packages/cli/bin/facet.mjs');
/** Grafana is not to be had without a registry. */
const SERVICES = ['broker', 'coordinator', 'worker', 'prometheus'];

const CONFIG = {
  run: 'composed',
  dataset: 'mnist',
  preset: 'mnist-fast',
  epochs: 3,
  samples: { train: 4_000, test: 500 },
  workers: { count: 2, min: 1 },
  engine: { name: 'onnxruntime', device: 'cpu', threads: 1 },
  // Other programs of a busy machine are no faults.
  timeouts: { heartbeatMs: 15_000, stepMs: 60_000 },
};

interface Container {
  readonly Service: string;
  readonly State: string;
  readonly Health: string;
  readonly ExitCode: number;
}

const missing = whyNoCompose();

describe.skipIf(missing !== undefined)(
  `with Docker Compose${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let folder = '';
    let space: NetworkSpace;
    let engine: DockerEngine;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'facet-compose-'));
      space = await openNetworkSpace(folder);
      engine = await openDockerEngine({ cache: CLUSTER_CACHE, folder, space });
      const config = path.join(folder, 'facet.yaml');
      await writeFile(config, stringify(CONFIG));
      const { stdout } = await execute(process.execPath, [FACET, 'deploy', 'compose', '--config', config]);
      await writeFile(path.join(folder, 'compose.yaml'), stdout);
    }, 2 * MINUTE_MS);

    afterAll(async () => {
      await compose('down', '--volumes').catch(() => undefined);
      await engine[Symbol.asyncDispose]();
      await space[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    }, 2 * MINUTE_MS);

    const compose = async (...args: readonly string[]): Promise<string> => {
      const tool = path.join(CLUSTER_CACHE, 'tools', 'docker-compose');
      const environment = { ...engine.environment, FACET_RUN_TOKEN: 'a'.repeat(64) };
      const options = { env: environment, maxBuffer: 64 * 1024 * 1024 };
      return (await execute(tool, ['-f', path.join(folder, 'compose.yaml'), ...args], options)).stdout;
    };
    const containers = async (): Promise<readonly Container[]> =>
      (await compose('ps', '--all', '--format', 'json'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Container);

    it('starts every service, and each becomes healthy', { timeout: 4 * MINUTE_MS }, async () => {
      // Of a test that was killed.
      await compose('down', '--volumes');
      await compose('up', '--detach', '--no-build', ...SERVICES);
      await until('all are healthy', async () => {
        const all = await containers();
        return all.length === SERVICES.length + 1 && all.every(({ Health }) => Health === 'healthy');
      });
    });

    it('lets Prometheus scrape the coordinator and both workers', { timeout: 2 * MINUTE_MS }, async () => {
      await until('three targets are up', async () => {
        const query = 'http://127.0.0.1:9090/api/v1/query?query=up%3D%3D1';
        const answer = await compose('exec', '--no-TTY', 'prometheus', 'wget', '-q', '-O', '-', query);
        const { data } = JSON.parse(answer) as { data: { result: { metric: { role?: string } }[] } };
        const roles = data.result.map(({ metric }) => metric.role).toSorted();
        return JSON.stringify(roles) === JSON.stringify(['coordinator', 'worker', 'worker']);
      });
    });

    it('trains to the weights of one process, and starts nothing again', { timeout: 6 * MINUTE_MS }, async () => {
      const trainers = async (): Promise<readonly Container[]> =>
        (await containers()).filter(({ Service }) => Service === 'coordinator' || Service === 'worker');
      await until(
        'the run has ended',
        async () => (await trainers()).every(({ State }) => State === 'exited'),
        5 * MINUTE_MS,
      );
      expect((await trainers()).map(({ ExitCode }) => ExitCode)).toEqual([0, 0, 0]);
      const shown = await compose(
        'run',
        '--rm',
        '--no-deps',
        '--no-TTY',
        'coordinator',
        'runs',
        'show',
        CONFIG.run,
        '--json',
      );
      const checked = await compose(
        'run',
        '--rm',
        '--no-deps',
        '--no-TTY',
        'coordinator',
        'ledger',
        'check',
        CONFIG.run,
        '--json',
      );
      expect(JSON.parse(checked.trim().split('\n').at(-1)!)).toMatchObject({ clean: true, missing: 0, duplicated: 0 });
      await using workspace = await openWorkspace();
      await writeFile(path.join(workspace.folder, 'facet.yaml'), stringify(CONFIG));
      const here = parseJson(await workspace.run(['up', '--config', 'facet.yaml', '--workers', '1', '--json']));
      expect(shown).toContain(here.weightsSha256);
    });
  },
);
