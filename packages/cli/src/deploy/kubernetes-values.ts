/**
 * Values of the Helm chart for a configuration. The chart is the only place that knows the manifests: `helm template` prints
 * them, `helm install` applies them.
 */
import { isMapping, TrainingError, valueAt, type Mapping } from '@facet/shared';
import { stringify } from 'yaml';
import { chartFolder } from './deploy-files.js';
import type { Deployment, DeployOrder } from './deployment.js';
import { without, withoutIn } from './said-config.js';

/** Keys that the chart has values of its own for, or decides itself. */
const SHORT_KEYS = ['run', 'dataset', 'preset', 'epochs', 'seed', 'coordinator', 'tls'];

/** @throws TrainingError CONFIG_INVALID when the broker's address has a login in it. */
export function kubernetesDeployment(order: DeployOrder): Deployment {
  const { config, said } = order;
  const notes = [...notesOnFiles(order)];
  if (isMapping(said['coordinator'])) notes.push('coordinator: left out, the chart decides address and ports');
  if (config.tls !== undefined) {
    notes.push('tls.folder: left out; name secrets in tls.coordinatorSecret, workerSecret and brokerSecret');
  }
  const values: Mapping = {
    ...(order.hasName && { run: config.run }),
    task: taskValues(order),
    workers: workerValues(order),
    ...natsValues(order),
    ...(config.tls !== undefined && { tls: { enabled: true } }),
    ...configValues(said),
  };
  const release = order.hasName ? config.run.toLowerCase().replaceAll('_', '-') : 'facet';
  const about = [
    `# helm install ${release} ${chartFolder()} -f THIS_FILE`,
    '# helm template prints the manifests instead. All values: values.yaml of the chart.',
  ];
  return { text: `${about.join('\n')}\n${stringify(values, { lineWidth: 0 })}`, notes };
}

/** Files of this machine are not on a cluster: an image or a volume must bring them. */
function notesOnFiles({ said }: DeployOrder): readonly string[] {
  return ['task.module', 'dataFolder'].flatMap((key) => {
    const file = valueAt(said, key.split('.'));
    if (typeof file !== 'string') return [];
    return [`${key}: ${file} is on this machine; the image must have it at the same place (docs/deploy/images.md)`];
  });
}

function taskValues({ config, said }: DeployOrder): Mapping {
  return {
    dataset: config.dataset,
    ...('preset' in said && { preset: config.preset }),
    ...('epochs' in said && { epochs: config.epochs }),
    ...('seed' in said && { seed: config.seed }),
  };
}

function workerValues({ config: { workers, engine } }: DeployOrder): Mapping {
  const isOnGpu = engine.device === 'cuda';
  return {
    replicas: workers.count,
    min: workers.min,
    // 0 divides the cores of a machine, and a pod knows no other pods.
    threads: Math.max(1, engine.threads),
    ...(isOnGpu && { gpus: 1 }),
    ...(engine.device === 'webgpu' && { device: 'webgpu' }),
  };
}

/** A broker that somebody named is used; one of this machine is not. */
function natsValues({ said }: DeployOrder): Mapping {
  const url = valueAt(said, ['nats', 'url']);
  if (typeof url !== 'string' || isOfThisMachine(url)) return {};
  if (new URL(url).username !== '') {
    throw new TrainingError(
      'CONFIG_INVALID',
      'nats.url: has a login, expected none in values; put passwords into a Secret and name it in nats.auth.existingSecret',
    );
  }
  return { nats: { enabled: false, url } };
}

function isOfThisMachine(url: string): boolean {
  return /^\w+:\/\/([^@/]*@)?(127\.\d+\.\d+\.\d+|localhost|\[::1\]|broker)(:|\/|$)/.test(url);
}

function configValues(said: Mapping): Mapping {
  let config = without(said, SHORT_KEYS);
  config = withoutIn(config, 'workers', ['count', 'min']);
  config = withoutIn(config, 'engine', ['threads', 'device']);
  config = withoutIn(config, 'nats', ['url', 'workerUrl']);
  return Object.keys(config).length === 0 ? {} : { config };
}
