/** The predictions of `facet simulate` as text. */
import type { Prediction, Cluster, ExchangeCosts } from '@facet/collective';
import type { ReportMaker } from '../runs/report-origin.js';
import { formatBytes, formatCount, formatMilliseconds } from './format.js';
import { tableLines } from './table.js';

/** One world size. */
export interface SimulatedWorld {
  readonly ranks: number;
  readonly hosts: number;
  readonly direct: Prediction;
  /** In groups of the ranks of a host; missing with one rank or one host. */
  readonly byHost?: Prediction;
  readonly best: Prediction & { readonly groupSize: number };
}

export interface SimulationDocument {
  readonly made: ReportMaker;
  readonly bytes: number;
  readonly cluster: Omit<Cluster, 'ranks'>;
  readonly costs: ExchangeCosts;
  readonly worlds: readonly SimulatedWorld[];
}

/** How many ranks are in a group, if there are several groups. */
export function groupsOf(ranks: number, { groupSize }: { readonly groupSize: number }): string {
  return groupSize === ranks ? 'all' : formatCount(groupSize);
}

/** The hosts and the network between them. */
export function describeCluster({
  ranksPerHost,
  coresPerHost,
  linkBytesPerSecond,
  hopSeconds,
}: SimulationDocument['cluster']): string {
  return (
    `ranks per host: ${formatCount(ranksPerHost)}, cores per host: ${formatCount(coresPerHost)}, ` +
    `link: ${(linkBytesPerSecond * 8) / 1e9} Gbit/s, hop: ${Math.round(hopSeconds * 1e6)} us`
  );
}

/** What a prediction would gain most from. */
export function limitOf({ coreSeconds, linkSeconds, hopSeconds }: Prediction): string {
  const largest = Math.max(coreSeconds, linkSeconds, hopSeconds);
  if (largest === coreSeconds) return 'cores';
  return largest === linkSeconds ? 'link' : 'hops';
}

/** What the command prints. */
export function simulationLines({ bytes, cluster, worlds }: SimulationDocument): string[] {
  return [
    `all-reduce of ${formatBytes(bytes)}, predicted with ${describeCluster(cluster)}`,
    '',
    ...tableLines({
      header: ['ranks', 'hosts', 'direct', "groups of a host's", 'fastest groups', 'of', 'limited by'],
      right: [0, 1, 2, 3, 4, 5],
      rows: worlds.map(({ ranks, hosts, direct, byHost, best }) => [
        formatCount(ranks),
        formatCount(hosts),
        formatMilliseconds(direct.seconds),
        byHost === undefined ? '' : formatMilliseconds(byHost.seconds),
        formatMilliseconds(best.seconds),
        groupsOf(ranks, best),
        limitOf(best),
      ]),
    }),
    '',
    'A prediction by a cost model that is fitted to two ranks on one machine: see docs/operations.md for what it leaves out.',
    '`npm run bench -- allreduce --ranks 2,4,8` compares it with what this machine does. Groups: exchange.groupSize.',
  ];
}
