/**
 * Predicts by the cost model of the collective how long the all-reduce of a step takes in worlds of several sizes. Nothing is
 * trained or sent.
 */
import type { Cluster, ExchangeCosts, Prediction } from '@facet/collective';
import { OPERATION_DEFAULTS } from '@facet/shared';
import type { ReportMaker } from '../trained/report-origin.js';

export interface WorldOptions {
  /** Size of the gradient. */
  readonly megabytes: number;
  /** The largest number of ranks; a power of two, as `ranksPerHost`. */
  readonly maxRanks: number;
  readonly ranksPerHost: number;
  /** Default: one core for each rank. */
  readonly coresPerHost?: number;
  /** Speed of a host's link, in each direction. */
  readonly gbit: number;
  /** Time of a message between two hosts, in microseconds. */
  readonly hopUs: number;
}

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

/** Predicts the all-reduce of a step for every world size up to the largest: direct, in groups of a host's ranks, and best. */
export async function predictWorlds(options: WorldOptions): Promise<Omit<SimulationDocument, 'made'>> {
  const { groupSizes, MEASURED_COSTS, predictAllReduce } = await import('@facet/collective');
  const { ranksPerHost, coresPerHost = ranksPerHost, gbit, hopUs, megabytes } = options;
  const bytes = Math.ceil((megabytes * 1e6) / 4) * 4;
  const cluster = { ranksPerHost, coresPerHost, linkBytesPerSecond: (gbit * 1e9) / 8, hopSeconds: hopUs / 1e6 };
  const worlds: SimulatedWorld[] = [];
  for (let ranks = 2; ranks <= options.maxRanks; ranks *= 2) {
    const predict = (groupSize: number): Prediction => {
      const { bucketBytes, exchange } = OPERATION_DEFAULTS;
      const shape = { bytes, bucketBytes, messageBytes: exchange.messageBytes, groupSize };
      return predictAllReduce(shape, { ...cluster, ranks }, MEASURED_COSTS);
    };
    // Direct first: groups must be faster to be named.
    const candidates = groupSizes(ranks)
      .reverse()
      .map((groupSize) => ({ groupSize, ...predict(groupSize) }));
    const best = candidates.reduce((fastest, each) => (each.seconds < fastest.seconds ? each : fastest));
    worlds.push({
      ranks,
      hosts: Math.ceil(ranks / ranksPerHost),
      direct: predict(ranks),
      ...(ranksPerHost > 1 && ranks > ranksPerHost ? { byHost: predict(ranksPerHost) } : {}),
      best,
    });
  }
  return { bytes, cluster, costs: MEASURED_COSTS, worlds };
}
