/**
 * The chart on a real Kubernetes: a run trains to its end through lost pods, another coordinator, and more and fewer workers; its
 * weights are those of `facet up`, and its ledger is exact.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { openWorkspace, parseJson, until } from '../../testkit/facet.js';
import { CLUSTER_CACHE, whyNoKubernetes } from '../cluster-cache.js';
import { openCluster, type Cluster } from './open-cluster.js';
import { Release, worldSizeOf, type RunStatus } from './release.js';

const MINUTE_MS = 60_000;
const RUN = 'train';
/** 20 epochs of 32 steps. */
const TRAINING = { epochs: 20, samples: { train: 4_000, test: 500 } };
const TOTAL_STEPS = 20 * Math.ceil(4_000 / 128);

const missing = whyNoKubernetes();

describe.skipIf(missing !== undefined)(
  `on Kubernetes 1.20${missing === undefined ? '' : ` (skipped: ${missing})`}`,
  () => {
    let cluster: Cluster;
    let release: Release;
    let values = '';
    const measured: Record<string, number> = {};

    beforeAll(async () => {
      cluster = await openCluster(CLUSTER_CACHE);
      release = new Release(cluster, RUN);
      values = path.join(cluster.folder, 'values.yaml');
      await cluster.kubectl('create', 'namespace', RUN);
    }, 5 * MINUTE_MS);

    afterAll(async () => {
      console.info(`measured on Kubernetes, in ms: ${JSON.stringify(measured)}`);
      await cluster[Symbol.asyncDispose]();
    }, 2 * MINUTE_MS);

    const apply = async (replicas: number): Promise<void> => {
      await writeFile(values, stringify(valuesWith(replicas)));
      await release.apply(values);
    };

    it('commits its first step soon after an empty namespace', { timeout: 3 * MINUTE_MS }, async () => {
      const from = performance.now();
      await apply(2);
      const first = await release.untilStep(1);
      measured['emptyNamespaceToFirstStep'] = Math.round(first - from);
      expect(measured['emptyNamespaceToFirstStep']).toBeLessThan(MINUTE_MS);
    });

    it('goes on when a worker pod is deleted, and gets another one', { timeout: 3 * MINUTE_MS }, async () => {
      const before = await release.running('worker');
      expect(before).toHaveLength(2);
      const [lost] = before;
      measured['longestGapAfterDeletedWorker'] = await longestGap(release, 40, () =>
        release.deletePod(lost!.metadata.name),
      );
      await until('another worker is ready', async () => {
        const now = await release.running('worker');
        return now.length === 2 && now.every(({ metadata }) => metadata.name !== lost!.metadata.name);
      });
      await untilStatus(release, 'both workers train', (status) => worldSizeOf(status) === 2);
    });

    it('goes on when the coordinator pod is deleted', { timeout: 3 * MINUTE_MS }, async () => {
      const [leader] = await release.running('coordinator');
      const { step } = (await release.status())!;
      const from = performance.now();
      await release.deletePod(leader!.metadata.name);
      measured['deletedCoordinatorToNextSteps'] = Math.round((await release.untilStep(step + 20)) - from);
      const [next] = await release.running('coordinator');
      expect(next!.metadata.name).not.toBe(leader!.metadata.name);
    });

    it('takes more workers and gives them back', { timeout: 4 * MINUTE_MS }, async () => {
      await apply(3);
      await untilStatus(release, 'three workers train', (status) => worldSizeOf(status) === 3);
      await apply(1);
      await untilStatus(release, 'one worker trains', (status) => worldSizeOf(status) === 1);
      await apply(2);
      await untilStatus(release, 'two workers train', (status) => worldSizeOf(status) === 2);
    });

    it('ends once, with the weights of one process and an exact ledger', { timeout: 8 * MINUTE_MS }, async () => {
      const isDone = async (component: 'coordinator' | 'worker'): Promise<boolean> =>
        (await release.jobs(component)).every(({ status }) =>
          (status.conditions ?? []).some(({ type, status: is }) => type === 'Complete' && is === 'True'),
        );
      await until(
        'the Jobs are complete',
        async () => (await isDone('coordinator')) && (await isDone('worker')),
        6 * MINUTE_MS,
      );
      expect(await release.running('worker')).toEqual([]);
      const result = await resultOf(cluster, release);
      const ledger = await checkLedger(cluster, release);
      expect(ledger).toMatchObject({ clean: true, missing: 0, duplicated: 0, committed: 20 * 4_000 });
      await using workspace = await openWorkspace();
      const settings = Object.entries(TRAINING.samples).flatMap(([key, value]) => ['--set', `samples.${key}=${value}`]);
      const up = ['up', '--preset', 'mnist-fast', '--dataset', 'mnist', '--epochs', '20', '--workers', '1', '--json'];
      const engine = ['--engine', 'onnxruntime', '--device', 'cpu', '--threads', '1'];
      const here = parseJson(await workspace.run([...up, ...engine, ...settings]));
      expect(result).toMatchObject({ steps: TOTAL_STEPS, weightsSha256: here.weightsSha256 });
    });
  },
);

function valuesWith(replicas: number): object {
  return {
    task: { dataset: 'mnist', preset: 'mnist-fast', epochs: TRAINING.epochs },
    config: {
      samples: TRAINING.samples,
      checkpoint: { everySteps: 50 },
      // Other programs of a busy machine are no faults.
      timeouts: { heartbeatMs: 5_000, stepMs: 30_000 },
    },
    workers: { replicas, resources: { requests: { cpu: '100m', memory: '300Mi' } } },
    coordinator: { resources: { requests: { cpu: '100m', memory: '200Mi' } } },
    image: { pullPolicy: 'Never' },
    nats: { image: { pullPolicy: 'Never' }, persistence: { enabled: false } },
  };
}

async function untilStatus(release: Release, what: string, holds: (status: RunStatus) => boolean): Promise<void> {
  await until(what, async () => {
    const status = await release.status();
    return status !== undefined && holds(status);
  });
}

/** The longest time in which no step was seen, in ms, from an event until so many steps later. */
async function longestGap(release: Release, steps: number, event: () => Promise<void>): Promise<number> {
  const { step: from } = (await release.status())!;
  await event();
  let [last, at, longest] = [from, performance.now(), 0];
  await until(`${steps} steps more`, async () => {
    const step = (await release.status())?.step ?? last;
    const now = performance.now();
    if (step > last) {
      longest = Math.max(longest, now - at);
      [last, at] = [step, now];
    }
    return last >= from + steps;
  });
  return Math.round(longest);
}

/** What the coordinator printed at the end. */
async function resultOf(cluster: Cluster, release: Release): Promise<unknown> {
  // The pod that was deleted may still be listed.
  const ended = (await release.pods('coordinator')).find(({ status }) => status.phase === 'Succeeded');
  const log = await cluster.kubectl('logs', '-n', release.name, ended!.metadata.name);
  const line = log.split('\n').findLast((one) => one.startsWith('{') && one.includes('"weightsSha256"'));
  return JSON.parse(line ?? 'null') as unknown;
}

/** What the independent checker says of the ledger in the broker. */
async function checkLedger(cluster: Cluster, release: Release): Promise<unknown> {
  const [nats] = await release.running('nats');
  const secret = await cluster.kubectl(
    'get',
    'secret',
    `${RUN}-facet-broker`,
    '-n',
    RUN,
    '-o',
    'jsonpath={.data.coordinator-password}',
  );
  const login = `coordinator:${Buffer.from(secret, 'base64').toString()}`;
  const facet = path.resolve(import.meta.dirname, '../../../packages/cli/bin/facet.mjs');
  const place = `nats://${nats!.status.podIP}:4222/${RUN}`;
  const environment = { ...process.env, FACET_STORE_LOGIN: login, FACET_CACHE: cluster.folder };
  const printed = await cluster.space.run([process.execPath, facet, 'ledger', 'check', place, '--json'], environment);
  return JSON.parse(printed.trim().split('\n').at(-1)!) as unknown;
}
