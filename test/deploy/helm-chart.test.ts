/**
 * The chart as the real Helm renders it: what it holds for which values, what its schema refuses, and that manifests are sound for
 * an old and a new Kubernetes by schemas that others generated. test/cluster applies it to a real API server.
 */
import path from 'node:path';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runInProcess } from '../../packages/cli/test/run-cli.js';
import { one, render, whyNoHelm, type Manifest } from './helm-tool.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const missing = await whyNoHelm();

/** Values that switch on as much as can be switched on together. */
const FULL = [
  'coordinator.replicas=2',
  'workers.gpus=1',
  'workers.nodeSelector.pool=gpu',
  'workers.tolerations[0].key=gpu',
  'workers.tolerations[0].operator=Exists',
  'tls.enabled=true',
  'tls.certManager.enabled=true',
  'tls.certManager.issuer.name=private-ca',
  'monitoring.podMonitor.enabled=true',
  'monitoring.serviceMonitor.enabled=true',
  'monitoring.rules.enabled=true',
  'monitoring.dashboard.enabled=true',
  'kueue.queueName=gpus',
  'ttlSecondsAfterFinished=3600',
].flatMap((value) => ['--set', value]);

interface PodSpec {
  readonly restartPolicy: string;
  readonly enableServiceLinks: boolean;
  readonly securityContext: object;
  readonly containers: readonly {
    readonly args: readonly string[];
    readonly image: string;
    readonly securityContext: object;
    readonly resources: { readonly limits: Readonly<Record<string, unknown>> };
  }[];
}

interface JobSpec {
  readonly parallelism: number;
  readonly completions?: number;
  readonly suspend?: boolean;
  readonly podFailurePolicy?: object;
  readonly template: { readonly spec: PodSpec };
}

describe.skipIf(missing !== undefined)(`the Helm chart${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let plain: readonly Manifest[] = [];

  beforeAll(async () => {
    plain = await render();
  });

  it('has one Job of workers without completions, and one of a coordinator', () => {
    const workers = jobOf(one(plain, 'Job', 'worker'));
    expect(workers).toMatchObject({ parallelism: 2 });
    expect(workers.completions).toBeUndefined();
    expect(jobOf(one(plain, 'Job', 'coordinator'))).toMatchObject({ parallelism: 1, completions: 1 });
  });

  it('gives no process more than it needs', () => {
    for (const manifest of plain.filter(({ kind }) => kind === 'Job' || kind === 'StatefulSet')) {
      const { securityContext, enableServiceLinks, containers } = podOf(manifest);
      expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      expect(enableServiceLinks).toBe(false);
      for (const container of containers) {
        const closed = {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        };
        expect(container.securityContext).toEqual(closed);
        expect(container.resources.limits['memory']).toBeDefined();
      }
    }
    expect(JSON.stringify(podOf(one(plain, 'Job', 'worker')))).not.toContain('operator-token');
  });

  it('restarts by exit codes where the cluster can, and else in the pod', async () => {
    const now = jobOf(one(plain, 'Job', 'worker'));
    expect(now.template.spec.restartPolicy).toBe('Never');
    expect(now.podFailurePolicy).toEqual({
      rules: [
        { action: 'FailJob', onExitCodes: { operator: 'In', values: [2, 130] } },
        { action: 'Ignore', onExitCodes: { operator: 'In', values: [75] } },
        { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
      ],
    });
    const before = await render([], '1.20.2');
    const old = jobOf(one(before, 'Job', 'worker'));
    expect(old.podFailurePolicy).toBeUndefined();
    expect(old.template.spec.restartPolicy).toBe('OnFailure');
    expect(one(before, 'PodDisruptionBudget').apiVersion).toBe('policy/v1beta1');
    expect(one(plain, 'PodDisruptionBudget')).toMatchObject({ apiVersion: 'policy/v1', spec: { minAvailable: 1 } });
  });

  it('changes the Job for more workers, and makes another one for another pod', async () => {
    const nameFor = async (value: string): Promise<string> =>
      one(await render(['--set', value]), 'Job', 'worker').metadata.name;
    const name = one(plain, 'Job', 'worker').metadata.name;
    expect(await nameFor('workers.replicas=8')).toBe(name);
    expect(await nameFor('image.tag=0.2.0')).not.toBe(name);
  });

  it('writes a configuration that Facet takes, in which `config` is the strongest', async () => {
    const settings = [
      'task.epochs=7',
      'workers.replicas=8',
      'workers.threads=3',
      'config.engine.threads=4',
      'config.batch.micro=16',
    ];
    const manifests = await render(settings.flatMap((setting) => ['--set', setting]));
    const config = parse(one(manifests, 'ConfigMap', 'train-facet').data!['facet.yaml']!) as object;
    expect(config).toMatchObject({
      run: 'train',
      dataset: 'mnist',
      epochs: 7,
      batch: { micro: 16 },
      workers: { count: 8, min: 1 },
      engine: { threads: 4 },
      nats: { url: 'nats://train-facet-nats:4222' },
    });
    const set = Object.entries(config).flatMap(([key, value]) => ['--set', `${key}=${JSON.stringify(value)}`]);
    expect(await runInProcess(['config', '--json', ...set], {})).toMatchObject({ code: 0 });
  });

  it('lets nobody do more at the broker than `facet broker config` does', async () => {
    const manifests = await render(['--set', 'tls.enabled=true']);
    const rendered = one(manifests, 'ConfigMap', 'nats').data!['nats.conf']!;
    const permissions = [...rendered.matchAll(/permissions: (\{.*\})/g)].map(([, text]) => JSON.parse(text!) as object);
    const { brokerConfigText, CERTIFIED_USERS } = await import('../../packages/cli/src/broker/broker-config.js');
    const where = { host: '0.0.0.0', port: 4222, tlsFolder: undefined, store: '/data' };
    const own = brokerConfigText({ ...where, users: { run: 'train', identities: CERTIFIED_USERS } });
    const { users } = JSON.parse(own.slice(own.indexOf('authorization: ') + 15)) as {
      users: { permissions: object }[];
    };
    expect(permissions).toEqual(users.map((user) => user.permissions));
  });

  it('asks for a GPU, with an image that has what it needs', async () => {
    const { containers } = podOf(one(await render(['--set', 'workers.gpus=1']), 'Job', 'worker'));
    expect(containers[0]).toMatchObject({ image: 'facet:0.1.0-cuda', resources: { limits: { 'nvidia.com/gpu': 1 } } });
  });

  it.each(['1.20.2', '1.26.0', '1.35.0'])('with everything on is rendered for Kubernetes %s', async (version) => {
    const full = await render(FULL, version);
    const kinds = [
      'Certificate',
      'NetworkPolicy',
      'PodMonitor',
      'ServiceMonitor',
      'PrometheusRule',
      'StatefulSet',
      'Secret',
    ];
    for (const kind of kinds) expect(full.map((manifest) => manifest.kind)).toContain(kind);
    expect(full.filter(({ kind }) => kind === 'Job')).toHaveLength(3);
    expect(jobOf(one(full, 'Job', 'worker'))).toMatchObject({ suspend: true });
    const dashboard = one(full, 'ConfigMap', 'dashboard').data!['facet.json']!;
    const source = readFileSync(path.join(ROOT, 'deploy/grafana/dashboards/facet.json'), 'utf8');
    expect(JSON.parse(dashboard)).toEqual(JSON.parse(source));
    const alerts = parse(readFileSync(path.join(ROOT, 'deploy/prometheus/alerts.yml'), 'utf8')) as object;
    expect(one(full, 'PrometheusRule').spec).toEqual(alerts);
  });

  it.each([
    ['the defaults', []],
    ['everything on', FULL],
  ])('%s are sound by the schemas of a new Kubernetes', async (_, args) => {
    const manifests = await render(args);
    const known = manifests.filter(({ apiVersion }) => !/monitoring\.coreos|cert-manager/.test(apiVersion));
    expect(known.length).toBeGreaterThan(8);
    for (const manifest of known) await validate(manifest);
  });

  it('would be told by the same schemas if a manifest were wrong', async () => {
    const job = one(plain, 'Job', 'worker');
    await expect(validate({ ...job, spec: { ...job.spec, parallelism: 'two' } })).rejects.toThrow('parallelism');
  });

  it.each([
    ['workers.replica=2', 'replica'],
    ['workers.replicas=many', '/workers/replicas'],
    ['workers.gpus=2', '/workers/gpus'],
    ['coordinator.replicas=3', '/coordinator/replicas'],
    ['store=/mnt/runs', '/store'],
    ['nats.url=nats://user:secret@broker:4222', '/nats/url'],
    ['gracePeriodSeconds=1', '/gracePeriodSeconds'],
    ['run=a/b', '/run'],
    ['image.pullPolicy=Sometimes', '/image/pullPolicy'],
  ])('refuses %s, and names it', async (value, named) => {
    await expect(render(['--set', value])).rejects.toThrow(named);
  });

  it('says what is missing', async () => {
    await expect(render(['--set', 'nats.enabled=false'])).rejects.toThrow(
      'nats.url: missing, expected nats://HOST:PORT',
    );
    const secure = ['--set', 'tls.enabled=true', '--set', 'tls.certManager.enabled=true'];
    await expect(render(secure)).rejects.toThrow('tls.certManager.issuer.name: missing');
  });
});

function jobOf(manifest: Manifest): JobSpec {
  return manifest.spec as unknown as JobSpec;
}

function podOf(manifest: Manifest): PodSpec {
  return jobOf(manifest).template.spec;
}

/** @throws Error when a field has another type than Kubernetes says. Unknown fields are the API server's to refuse. */
async function validate(manifest: Manifest): Promise<void> {
  const module = (await import(`kubernetes-models/${manifest.apiVersion}/${manifest.kind}`)) as Record<
    string,
    new (data: unknown) => { validate(): void }
  >;
  new module[manifest.kind]!(manifest).validate();
}
