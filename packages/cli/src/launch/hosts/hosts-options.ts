/** The flags --hosts, --workers-per-host and --remote-facet of the commands that launch a run. */
import { InvalidArgumentError, type Command } from 'commander';
import { mergeMappings, TrainingError, type ConfigSource, type Mapping, type RunConfig } from '@facet/shared';
import { readHostsFile } from './hosts-file.js';
import type { HostsWish } from './connected-hosts.js';

/** What commander makes of the flags. */
export interface HostsOptions {
  readonly hosts?: string;
  readonly workersPerHost?: number;
  readonly remoteFacet?: string;
}

const MOST_PER_HOST = 256;

export function addHostsOptions(command: Command): Command {
  return command
    .option(
      '--hosts <file>',
      'start the workers on the hosts of this file, over ssh: one host per line, `#` comments, slots=N',
    )
    .option('--workers-per-host <number>', 'with --hosts: workers of a host without slots=N (default: 1)', readCount)
    .option(
      '--remote-facet <path>',
      'with --hosts: `facet` on the hosts (default: that on the PATH there, else the package facet-train in the home folder)',
    );
}

/** Hosts with how many workers they have in all. */
export interface ChosenHosts extends Pick<HostsWish, 'entries' | 'remoteFacet'> {
  readonly workers: number;
}

/**
 * Reads the file of hosts; undefined where there is none.
 *
 * @throws TrainingError CONFIG_INVALID with what is wrong.
 */
export async function readHostsOptions(
  { hosts: file, workersPerHost, remoteFacet }: HostsOptions,
  flags: Mapping,
): Promise<ChosenHosts | undefined> {
  if (file === undefined) {
    const flag =
      workersPerHost !== undefined ? '--workers-per-host' : remoteFacet !== undefined ? '--remote-facet' : '';
    if (flag === '') return undefined;
    throw new TrainingError('CONFIG_INVALID', `${flag} is for a launch with --hosts FILE; name one, or leave it out`);
  }
  const { count } = (flags['workers'] ?? {}) as { readonly count?: unknown };
  if (count !== undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `workers.count: ${JSON.stringify(count)} with --hosts, expected none: ${file} says how many workers a host has, with slots=N, and --workers-per-host for the others`,
    );
  }
  const entries = await readHostsFile(file, workersPerHost ?? 1);
  return { entries, remoteFacet, workers: entries.reduce((sum, { slots }) => sum + slots, 0) };
}

/** The flags of a launch with its number of workers. */
export function withWorkersOf(flags: Mapping, hosts: ChosenHosts | undefined): Mapping {
  return hosts === undefined ? flags : mergeMappings(flags, { workers: { count: hosts.workers } });
}

/**
 * What the launch is to do with the hosts.
 *
 * @throws TrainingError CONFIG_INVALID for a certificate or a broker that does not fit.
 */
export function hostsWish(
  hosts: ChosenHosts | undefined,
  config: RunConfig,
  {
    sourceOf,
    isInsecure,
    isOwnBroker,
  }: {
    readonly sourceOf: (key: string) => ConfigSource;
    readonly isInsecure: boolean;
    readonly isOwnBroker: boolean;
  },
): HostsWish | undefined {
  if (hosts === undefined) return undefined;
  if (config.tls !== undefined) {
    throw new TrainingError(
      'CONFIG_INVALID',
      `tls.folder: '${config.tls.folder}' with --hosts, expected none: the launch makes certificates for every host itself`,
    );
  }
  if (!isOwnBroker && !isInsecure) {
    throw new TrainingError(
      'CONFIG_INVALID',
      'nats.url: a broker of yours knows no certificate of this launch; leave it out, so that the launch starts one, or say --insecure if the network is trusted',
    );
  }
  const isNamed = !['default', 'preset'].includes(sourceOf('coordinator.host'));
  return { ...hosts, ownAddress: isNamed ? config.coordinator.host : undefined };
}

function readCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MOST_PER_HOST) return count;
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MOST_PER_HOST}.`);
}
