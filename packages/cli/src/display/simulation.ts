/** The predictions of `facet simulate` as text. */
import {
  type SimulationDocument,
  describeCluster,
  groupsOf,
  limitOf,
  formatBytes,
  formatCount,
  formatMilliseconds,
} from '@facet/lab/data';
import { tableLines } from './table.js';

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
