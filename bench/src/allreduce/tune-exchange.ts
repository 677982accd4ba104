/**
 * How to cut a gradient into buckets and messages on this machine: every combination takes turns with the default one, in the
 * same processes.
 */
import { OPERATION_DEFAULTS } from '@facet/shared';
import { median, medianRatio, round } from '../figures.js';
import { slowest, type RankWorld } from '../process/rank-world.js';
import { elementsOf, type Cut, type ExchangeAsk, type Transport } from './exchange-ask.js';
import type { TimedSteps } from './step-timer.js';

const MIB = 1024 * 1024;
const BUCKETS_MIB = [1, 2, 4, 8, 16];
const MESSAGES_MIB = [0.25, 0.5, 1, 2, 4];
const WARM_UP_STEPS = 2;
const STEPS = 8;

export interface TuneOptions {
  readonly worldSize: number;
  readonly megabytes: number;
  readonly transport: Transport;
  readonly turns: number;
}

export interface TunedWay extends Required<Cut> {
  readonly ranks: number;
  readonly megabytes: number;
  readonly p50Ms: number;
  /** How much faster than the default; below 1 is slower. */
  readonly ratio: number;
}

/** Rows of all combinations that differ at this size, the fastest first. */
export async function tuneExchange(
  world: RankWorld<ExchangeAsk>,
  { worldSize, megabytes, transport, turns }: TuneOptions,
): Promise<TunedWay[]> {
  const length = elementsOf(megabytes);
  const ways = distinctWays(megabytes * 1e6).map((cut) => ({ cut, times: [] as number[] }));
  for (let turn = 0; turn < turns; turn++) {
    for (let place = 0; place < ways.length; place++) {
      const { cut, times } = ways[(turn + place) % ways.length]!;
      await world.join({ length, transport, format: 'fp32', ...cut });
      await world.steps(WARM_UP_STEPS);
      const answers = await world.steps<TimedSteps>(STEPS);
      times.push(median(slowest(answers.map(({ milliseconds }) => milliseconds))));
    }
  }
  const base = ways[0]!.times;
  return ways
    .map(({ cut, times }) => ({
      ranks: worldSize,
      megabytes,
      ...cut,
      p50Ms: round(median(times)),
      ratio: round(medianRatio(base, times)),
    }))
    .sort((a, b) => b.ratio - a.ratio);
}

/** A bucket larger than the gradient is the gradient; a message larger than the bucket is the bucket. The default comes first. */
function distinctWays(bytes: number): Required<Cut>[] {
  const { bucketBytes, exchange } = OPERATION_DEFAULTS;
  const ways = new Map<string, Required<Cut>>();
  const add = (bucket: number, message: number): void => {
    const key = `${Math.min(bucket, bytes)}/${Math.min(message, bucket, bytes)}`;
    if (!ways.has(key)) ways.set(key, { bucketBytes: bucket, messageBytes: message });
  };
  add(bucketBytes, exchange.messageBytes);
  for (const bucket of BUCKETS_MIB) for (const message of MESSAGES_MIB) add(bucket * MIB, message * MIB);
  return [...ways.values()];
}
