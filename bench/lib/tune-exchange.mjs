/**
 * How to cut a gradient into buckets and messages on this machine: every combination takes turns with the default one, in the
 * same processes.
 */
import { OPERATION_DEFAULTS } from '../../packages/shared/dist/index.js';
import { median, medianRatio, round } from './figures.mjs';
import { slowest } from './rank-world.mjs';

const MIB = 1024 * 1024;
const BUCKETS_MIB = [1, 2, 4, 8, 16];
const MESSAGES_MIB = [0.25, 0.5, 1, 2, 4];
const WARM_UP_STEPS = 2;
const STEPS = 8;

/** Rows of all combinations that differ at this size, the fastest first. */
export async function tuneExchange({ ports, askAll }, { worldSize, megabytes, transport, turns }) {
  const length = Math.round((megabytes * 1e6) / 4);
  const ways = distinctWays(megabytes * 1e6);
  const times = ways.map(() => []);
  for (let turn = 0; turn < turns; turn++) {
    for (let place = 0; place < ways.length; place++) {
      const index = (turn + place) % ways.length;
      await askAll({ kind: 'join', ports, ask: { length, transport, format: 'fp32', ...ways[index] } });
      await askAll({ kind: 'steps', count: WARM_UP_STEPS });
      const answers = await askAll({ kind: 'steps', count: STEPS });
      times[index].push(median(slowest(answers.map(({ milliseconds }) => milliseconds))));
    }
  }
  const base = times[ways.findIndex(isDefault)];
  return ways
    .map((way, index) => ({
      ranks: worldSize,
      megabytes,
      ...way,
      p50Ms: round(median(times[index])),
      ratio: round(medianRatio(base, times[index])),
    }))
    .toSorted((a, b) => b.ratio - a.ratio);
}

/** A bucket larger than the gradient is the gradient; a message larger than the bucket is the bucket. The default comes first. */
function distinctWays(bytes) {
  const { bucketBytes, exchange } = OPERATION_DEFAULTS;
  const ways = new Map();
  const add = (bucket, message) => {
    const key = `${Math.min(bucket, bytes)}/${Math.min(message, bucket, bytes)}`;
    if (!ways.has(key)) ways.set(key, { bucketBytes: bucket, messageBytes: message });
  };
  add(bucketBytes, exchange.messageBytes);
  for (const bucket of BUCKETS_MIB) for (const message of MESSAGES_MIB) add(bucket * MIB, message * MIB);
  return [...ways.values()];
}

function isDefault({ bucketBytes, messageBytes }) {
  const { bucketBytes: bucket, exchange } = OPERATION_DEFAULTS;
  return bucketBytes === bucket && messageBytes === exchange.messageBytes;
}
