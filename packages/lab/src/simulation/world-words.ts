/** What a prediction says in words; the terminal and the page share them. */
import type { Prediction } from '@facet/collective';
import { formatCount } from '../words/format.js';
import type { SimulationDocument } from './predict-worlds.js';

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
