/**
 * Predicts how long an all-reduce takes, from the schedule that the ranks follow: what each rank sends and adds, what leaves its
 * host, and how often it waits for a hop. It is a LogGP-like model (Alexandrov et al. 1995) with two resources, the cores of a
 * host and its link. Buckets are a pipeline over both: the slower one decides, and the other adds its first bucket. The model
 * leaves out stragglers and switches.
 */
import {
  chunkOf,
  crossPeers,
  groupPeers,
  scheduleBuckets,
  shareOf,
  type BucketSchedule,
  type Slice,
} from './buckets.js';

/** Costs of the software on one core; `npm run bench -- allreduce` measures them. */
export interface ExchangeCosts {
  /** Seconds to send a byte and to receive one. */
  readonly perByte: number;
  /** Seconds to send a message and to receive one. */
  readonly perMessage: number;
  /** Seconds to add a byte of float32 values to others. */
  readonly perAddedByte: number;
}

/** Of TCP between two cores of an Intel Xeon with AVX-512, Node 20.20 (docs/results/README.md, what facet simulate predicts). */
export const MEASURED_COSTS: ExchangeCosts = { perByte: 6.3e-10, perMessage: 9.3e-5, perAddedByte: 1.0e-10 };

export interface Cluster {
  readonly ranks: number;
  readonly ranksPerHost: number;
  readonly coresPerHost: number;
  /** Of a host's link, in each direction. */
  readonly linkBytesPerSecond: number;
  readonly hopSeconds: number;
}

export interface AllReduceShape {
  /** Of the gradient, as float32. */
  readonly bytes: number;
  readonly bucketBytes: number;
  readonly messageBytes: number;
  /** Ranks that add among themselves first; divides the ranks. */
  readonly groupSize: number;
}

export interface Prediction {
  readonly seconds: number;
  /** If the link were infinitely fast, or the cores. */
  readonly coreSeconds: number;
  readonly linkSeconds: number;
  readonly hopSeconds: number;
  /** Of one rank. */
  readonly peers: number;
  readonly messages: number;
  readonly bytesSent: number;
  readonly bytesToOtherHosts: number;
}

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** What one rank does in a step: every one contributes one sub-tree, as in a world whose size is a power of two. */
interface Work {
  readonly schedule: BucketSchedule;
  readonly group: readonly number[];
  readonly cross: readonly number[];
  /** There and, unless everybody owns everything, back. */
  readonly directions: number;
  readonly messages: number;
  readonly bytesSent: number;
  readonly bytesToOtherHosts: number;
  readonly bytesAdded: number;
}

function workOf(shape: AllReduceShape, ranks: number, ranksPerHost: number): Work {
  const { groupSize, bucketBytes } = shape;
  const schedule = scheduleBuckets({ length: shape.bytes / BYTES, worldSize: ranks, groupSize, bucketBytes });
  const rank = 0;
  const [group, cross] = [groupPeers(schedule, rank), crossPeers(schedule, rank)];
  const directions = schedule.ownership === 'replicated' ? 1 : 2;
  const isElsewhere = (peer: number): boolean => Math.floor(peer / ranksPerHost) !== Math.floor(rank / ranksPerHost);
  let [messages, bytesSent, bytesToOtherHosts, bytesAdded] = [0, 0, 0, 0];
  /** Contributions to slices that the peers own, and results back: as much as comes the other way. */
  const exchange = (peers: readonly number[], slice: Slice): void => {
    const bytes = BYTES * (slice.end - slice.start);
    messages += peers.length * directions * Math.ceil(bytes / shape.messageBytes);
    bytesSent += peers.length * directions * bytes;
    bytesToOtherHosts += peers.filter(isElsewhere).length * directions * bytes;
    bytesAdded += peers.length * bytes;
  };
  for (let bucket = 0; bucket < schedule.buckets.length; bucket++) {
    exchange(group, shareOf(schedule, bucket, rank));
    exchange(cross, chunkOf(schedule, bucket, rank));
  }
  return { schedule, group, cross, directions, messages, bytesSent, bytesToOtherHosts, bytesAdded };
}

/** Predicts one step's all-reduce. */
export function predictAllReduce(shape: AllReduceShape, cluster: Cluster, costs: ExchangeCosts): Prediction {
  const { ranks, ranksPerHost, coresPerHost } = cluster;
  const work = workOf(shape, ranks, ranksPerHost);
  const { schedule, group, cross, directions, messages, bytesSent, bytesToOtherHosts, bytesAdded } = work;
  const neighbours = Math.min(ranksPerHost, ranks);
  const ofOneRank = bytesSent * costs.perByte + messages * costs.perMessage + bytesAdded * costs.perAddedByte;
  const coreSeconds = ofOneRank * Math.max(1, neighbours / coresPerHost);
  const linkSeconds = (bytesToOtherHosts * neighbours) / cluster.linkBytesPerSecond;
  const hops = ranks === 1 ? 0 : directions * (cross.length > 0 && group.length > 0 ? 2 : 1);
  const hopSeconds = hops * cluster.hopSeconds;
  const pipelined =
    Math.max(coreSeconds, linkSeconds) + Math.min(coreSeconds, linkSeconds) / Math.max(1, schedule.buckets.length);
  return {
    seconds: hopSeconds + pipelined,
    ...{ coreSeconds, linkSeconds, hopSeconds, messages, bytesSent, bytesToOtherHosts },
    peers: group.length + cross.length,
  };
}

/** A measurement: the time of two ranks of one host for a gradient. */
export interface PairMeasurement {
  readonly bytes: number;
  readonly seconds: number;
}

/**
 * The costs that explain two measurements of two ranks, each with a core of its own.
 *
 * @param perAddedByte measured apart: it cannot be told from the cost of a byte that is sent
 * @throws RangeError when the two sizes are too much alike
 */
export function fitCosts(
  small: PairMeasurement,
  large: PairMeasurement,
  { perAddedByte, ...cut }: Pick<AllReduceShape, 'bucketBytes' | 'messageBytes'> & { readonly perAddedByte: number },
): ExchangeCosts {
  const [a, b] = [small, large].map(({ bytes, seconds }) => {
    const work = workOf({ bytes, ...cut, groupSize: 2 }, 2, 2);
    return { ...work, bytes, seconds: seconds - work.bytesAdded * perAddedByte };
  }) as [PairWork, PairWork];
  // seconds = bytesSent * perByte + messages * perMessage, of both.
  const determinant = a.bytesSent * b.messages - b.bytesSent * a.messages;
  const perByte = (a.seconds * b.messages - b.seconds * a.messages) / determinant;
  const perMessage = (a.bytesSent * b.seconds - b.bytesSent * a.seconds) / determinant;
  // Sizes that are alike say nothing of what a message costs, or nonsense.
  if (!(perByte >= 0 && perMessage >= 0))
    throw new RangeError(
      `two sizes whose bytes per message differ more are needed, got ${small.bytes} bytes in ${a.messages} messages and ${large.bytes} in ${b.messages}`,
    );
  return { perByte, perMessage, perAddedByte };
}

type PairWork = Work & PairMeasurement;

/** The sizes of groups that a world can have, from single ranks to all of them. */
export function groupSizes(ranks: number): number[] {
  return Array.from({ length: ranks }, (_, at) => at + 1).filter((size) => ranks % size === 0);
}
