// `npm run bench -- allreduce [--sizes-mb 0.3,1,4,25] [--ranks 2,4] [--transports auto,tcp,grpc] [--json]`: the all-reduce
// between processes on this machine, over the worker's own transports. Bandwidths as nccl-tests defines them: algbw = S / t, busbw = algbw * 2 (n - 1) / n.

import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { median, publish, quantile, round } from './lib/figures.mjs';

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    'sizes-mb': { type: 'string', default: '0.3,1,4,25' },
    ranks: { type: 'string', default: '2,4' },
    transports: { type: 'string', default: 'auto,tcp,grpc' },
  },
});
const numbers = (text) => text.split(',').map(Number);

/** Runs one world of processes and returns the step times of its slowest rank in milliseconds. */
async function measure({ worldSize, bytes, transport }) {
  const length = Math.round(bytes / 4);
  const steps = Math.max(10, Math.min(200, Math.round(2e9 / bytes / 10)));
  const ranks = Array.from({ length: worldSize }, () => fork(new URL('./lib/allreduce-rank.mjs', import.meta.url)));
  try {
    const ports = await Promise.all(ranks.map((rank) => next(rank)));
    const results = ranks.map((rank, index) => {
      rank.send({ rank: index, ports, length, steps, transport });
      return next(rank);
    });
    const timings = await Promise.all(results);
    const slowest = timings[0].milliseconds.map((_, step) => Math.max(...timings.map((t) => t.milliseconds[step])));
    return { times: slowest.slice(2), cpuSeconds: timings.reduce((sum, t) => sum + t.cpuSeconds, 0), steps };
  } finally {
    for (const rank of ranks) rank.kill();
  }
}

function next(child) {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`a rank ended with exit code ${code}`)));
  });
}

const rows = [];
const cases = numbers(options.ranks).flatMap((worldSize) =>
  numbers(options['sizes-mb']).flatMap((megabytes) =>
    options.transports.split(',').map((transport) => ({ worldSize, megabytes, transport })),
  ),
);
for (const { worldSize, megabytes, transport } of cases) {
  const bytes = megabytes * 1e6;
  const { times, cpuSeconds, steps } = await measure({ worldSize, bytes, transport });
  const p50 = median(times);
  const algbw = bytes / p50 / 1e6;
  rows.push({
    ranks: worldSize,
    transport,
    megabytes,
    p50Ms: round(p50),
    p99Ms: round(quantile(times, 0.99)),
    algbwGBs: round(algbw),
    busbwGBs: round((algbw * 2 * (worldSize - 1)) / worldSize),
    cpuSecondsPerGB: round(cpuSeconds / ((bytes * steps) / 1e9)),
  });
}

publish({ bench: 'allreduce', rows, figures: {}, ratios: {}, isJson: options.json });
