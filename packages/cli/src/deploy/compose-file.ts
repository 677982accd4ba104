/**
 * A Compose file for a configuration: deploy/compose.yaml whose coordinator gets the configuration as flags, so that one file
 * says it all. (Compose can put no file into a container with a read-only root.) Files that it mounts stay where Facet is
 * installed.
 */
import path from 'node:path';
import { isMapping, mergeMappings, TrainingError, type Mapping } from '@facet/shared';
import { parse, stringify } from 'yaml';
import { deployFolder, readDeployFile } from './deploy-files.js';
import type { Deployment, DeployOrder } from './deployment.js';
import { leavesOf, without } from './said-config.js';

interface Service {
  readonly build?: unknown;
  readonly volumes?: readonly string[];
  readonly command?: unknown;
}

const CONFIG_PLACE = '/etc/facet/facet.yaml';

/** @throws TrainingError CONFIG_INVALID when the configuration names a folder of certificates. */
export async function composeDeployment(order: DeployOrder): Promise<Deployment> {
  const { config } = order;
  if (config.tls !== undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      'tls.folder: set, expected none: the containers of one machine use no TLS',
    );
  }
  const compose = parse(await readDeployFile('compose.yaml'), { merge: true }) as {
    readonly services: Readonly<Record<string, Service>>;
  } & Mapping;
  const services = Object.fromEntries(
    Object.entries(compose.services).map(([name, service]) => [name, serviceFor(name, service, order)]),
  );
  const made = { ...without(compose, ['x-facet']), services };
  const about = [
    '# export FACET_RUN_TOKEN=$(openssl rand -hex 32); docker compose -f THIS_FILE up',
    '# The image: docs/deploy/images.md.',
  ];
  return {
    text: `${about.join('\n')}\n${stringify(made, { lineWidth: 0, aliasDuplicateObjects: false })}`,
    notes: [
      'nats' in order.said ? 'nats: left out, the file has a broker' : '',
      'coordinator' in order.said ? 'coordinator: left out, the file decides address and ports' : '',
    ].filter((note) => note !== ''),
  };
}

function serviceFor(name: string, service: Service, order: DeployOrder): Mapping {
  const { build: _build, volumes = [], ...others } = service;
  const kept = volumes.filter((volume) => !volume.includes(CONFIG_PLACE)).map(absoluteVolume);
  const own: Mapping = { ...others, ...(kept.length > 0 && { volumes: kept }) };
  if (name === 'coordinator') return { ...own, command: coordinatorCommand(String(service.command), order) };
  return name === 'worker' ? { ...own, deploy: { replicas: order.config.workers.count } } : own;
}

/** The command of deploy/compose.yaml, with a flag for every key instead of a file. */
function coordinatorCommand(command: string, order: DeployOrder): readonly string[] {
  const run = order.hasName ? order.config.run : '${RUN:-compose}';
  const words = command.replace(`--config ${CONFIG_PLACE} `, '').replace('${RUN:-compose}', run).split(' ');
  const settings = leavesOf(containerConfig(order)).flatMap(([key, value]) => [
    '--set',
    escaped(`${key}=${JSON.stringify(value)}`),
  ]);
  return [...words, ...settings];
}

/** The configuration inside of the Compose network. */
function containerConfig({ config, said }: DeployOrder): Mapping {
  const engine = isMapping(said['engine']) ? said['engine'] : {};
  return mergeMappings(without(said, ['run', 'nats', 'coordinator']), {
    dataset: config.dataset,
    workers: { count: config.workers.count, min: config.workers.min },
    // A container looks like a machine of its own: 0 would give each worker all cores.
    engine: { ...engine, threads: Math.max(1, config.engine.threads) },
    nats: { url: 'nats://broker:4222' },
    coordinator: { host: 'coordinator', port: 4300, httpPort: 4301 },
  });
}

function absoluteVolume(volume: string): string {
  return volume.startsWith('./') ? path.join(deployFolder(), volume) : volume;
}

/** Compose reads `$` as the begin of a variable. */
function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}
