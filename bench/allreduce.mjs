// `npm run bench -- allreduce [--sizes-mb 0.01,1,25] [--ranks 2] [--transports auto,unix,tcp,grpc] [--formats bf16,fp16,int8] [--turns 5]
// [--json]`, or `--tune [--sizes-mb 25] [--ranks 2]`: the all-reduce between processes of this machine over the worker's own transports, beside raw TCP between two Node processes and Gloo through PyTorch ($FACET_PYTHON), all taking
// turns. Bandwidths as nccl-tests defines them: algbw = S / t, busbw = algbw * 2 (n - 1) / n. Ratios: of 2 ranks at 25 MB, above 1 is faster than the peer.

import os from 'node:os';
import { parseArgs } from 'node:util';
import { OPERATION_DEFAULTS } from '../packages/shared/dist/index.js';
import { fitCosts, predictAllReduce } from '../packages/worker/dist/collective/schedule/cost-model.js';
import { coreCosts } from './lib/core-costs.mjs';
import { openOptional } from './lib/engine-peers.mjs';
import { figureKey, median, medianRatio, publish, quantile, round } from './lib/figures.mjs';
import { openRanks, slowest } from './lib/rank-world.mjs';
import { tuneExchange } from './lib/tune-exchange.mjs';

const OURS = new URL('./lib/allreduce-rank.mjs', import.meta.url);
const NODE_TCP = new URL('./lib/tcp-rank.mjs', import.meta.url);
const GLOO = new URL('./peers/allreduce.py', import.meta.url);
/** Where the ratios are taken. */
const RATIO = { worldSize: 2, megabytes: 25 };
const FIRST_STEPS = 2;
/** How long everyone runs before it counts, about: a training takes thousands of steps, and the code of the first ones is still being compiled. */
const WARM_UP_MS = 3_000;
/** How long a turn of the fastest takes, about; a slower one takes as many steps. */
const TURN_MS = 200;
const MAX_STEPS = 1_000;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    'sizes-mb': { type: 'string', default: '0.01,1,25' },
    ranks: { type: 'string', default: '2' },
    transports: { type: 'string', default: 'auto,unix,tcp,grpc' },
    formats: { type: 'string', default: '' },
    turns: { type: 'string', default: '5' },
    tune: { type: 'boolean', default: false },
  },
});
const numbers = (text) => text.split(',').map(Number);
const transports = options.transports.split(',');
/** Lossy ones, which go over the first transport beside fp32. */
const formats = options.formats.split(',').filter((name) => name !== '');
const turns = Number(options.turns);
const { bucketBytes, exchange } = OPERATION_DEFAULTS;
const { messageBytes } = exchange;

/** Everyone who is measured with so many ranks, open and idle. */
async function openContenders(worldSize, notes) {
  const contenders = [];
  const add = async (name, script, ask = {}) => {
    contenders.push({ name, ask, ...(await openRanks(name, script, worldSize)) });
  };
  for (const transport of transports) await add(transport, OURS, { transport, format: 'fp32' });
  for (const format of formats) await add(format, OURS, { transport: transports[0], format });
  if (worldSize === 2) await add('nodeTcp', NODE_TCP);
  await openOptional('gloo', notes, () => add('gloo', GLOO));
  return contenders;
}

/** Lets everyone take turns at one size, each turn begun by another; returns their turns. */
async function measure(contenders, megabytes) {
  const length = Math.round((megabytes * 1e6) / 4);
  const measured = contenders.map(({ name }) => ({ name, turns: [] }));
  const steps = async ({ askAll }, count) => {
    const answers = await askAll({ kind: 'steps', count });
    return { answers, milliseconds: slowest(answers.map((answer) => answer.milliseconds)) };
  };
  for (const { ports, ask, askAll } of contenders) await askAll({ kind: 'join', ports, ask: { ...ask, length } });
  const first = [];
  for (const contender of contenders) {
    const stepMs = Math.min(...(await steps(contender, FIRST_STEPS)).milliseconds);
    await steps(contender, Math.ceil(WARM_UP_MS / stepMs));
    first.push(stepMs);
  }
  const count = Math.max(2, Math.min(MAX_STEPS, Math.round(TURN_MS / Math.min(...first))));
  for (let turn = 0; turn < turns; turn++) {
    for (let place = 0; place < contenders.length; place++) {
      const index = (turn + place) % contenders.length;
      const { answers, milliseconds } = await steps(contenders[index], count);
      measured[index].turns.push({
        milliseconds,
        cpuSeconds: answers.reduce((sum, answer) => sum + answer.cpuSeconds, 0),
        blockedMs: Math.max(...answers.map((answer) => answer.blockedMs ?? 0)),
      });
    }
  }
  return measured;
}

function rowOf(worldSize, megabytes, { name, turns: taken }) {
  const times = taken.flatMap(({ milliseconds }) => milliseconds);
  const p50 = median(times);
  const algbw = megabytes / p50;
  const gigabytes = (megabytes * times.length) / 1000;
  const blockedMs = Math.max(...taken.map((turn) => turn.blockedMs));
  return {
    ranks: worldSize,
    megabytes,
    name,
    p50Ms: round(p50),
    p99Ms: round(quantile(times, 0.99)),
    algbwGBs: round(algbw),
    busbwGBs: round((algbw * 2 * (worldSize - 1)) / worldSize),
    cpuSecondsPerGB: round(taken.reduce((sum, turn) => sum + turn.cpuSeconds, 0) / gigabytes),
    // Gloo has no event loop.
    blockedMs: blockedMs === 0 ? undefined : round(blockedMs),
  };
}

/** How much faster the transports are than their peers, and the others than gRPC; the formats than fp32. */
function ratiosOf(measured) {
  const timesOf = (name) => measured.find((one) => one.name === name)?.turns.map((turn) => median(turn.milliseconds));
  const ratios = {};
  for (const transport of transports) {
    for (const peer of ['gloo', 'nodeTcp', 'grpc']) {
      if (peer === transport || timesOf(peer) === undefined) continue;
      const key = transport === transports[0] ? peer : figureKey(transport, peer);
      ratios[key] = round(medianRatio(timesOf(peer), timesOf(transport)));
    }
  }
  for (const format of formats) {
    ratios[figureKey(format, transports[0])] = round(medianRatio(timesOf(transports[0]), timesOf(format)));
  }
  return ratios;
}

/** Adds what the cost model says, fitted to the smallest and the largest size of two ranks of the first transport. */
function predict(rows, perAddedByte, notes) {
  const ours = rows.filter((row) => row.name === transports[0]);
  const pairs = ours.filter((row) => row.ranks === 2).toSorted((a, b) => a.megabytes - b.megabytes);
  const measured = ({ megabytes, p50Ms }) => ({ bytes: megabytes * 1e6, seconds: p50Ms / 1000 });
  if (pairs.length < 2) {
    notes.push('no predictions: they are fitted to two sizes of two ranks');
    return;
  }
  let costs;
  try {
    costs = fitCosts(measured(pairs[0]), measured(pairs.at(-1)), { bucketBytes, messageBytes, perAddedByte });
  } catch (caught) {
    notes.push(`no predictions: ${caught.message}`);
    return;
  }
  notes.push(`predicted with ${JSON.stringify(costs)}`);
  for (const row of ours) {
    const { ranks, megabytes } = row;
    const here = { ranks, ranksPerHost: ranks, coresPerHost: os.availableParallelism() };
    const cluster = { ...here, linkBytesPerSecond: Infinity, hopSeconds: 0 };
    const shape = {
      bytes: megabytes * 1e6,
      bucketBytes,
      messageBytes,
      groupSize: ranks,
    };
    row.predictedMs = round(predictAllReduce(shape, cluster, costs).seconds * 1000);
  }
}

if (options.tune) await tune();
else await compare();

/** Every way to cut a gradient, against the default one. */
async function tune() {
  const rows = [];
  for (const worldSize of numbers(options.ranks)) {
    const world = await openRanks('tune', OURS, worldSize);
    try {
      for (const megabytes of numbers(options['sizes-mb'])) {
        const place = { worldSize, megabytes, transport: transports[0], turns };
        rows.push(...(await tuneExchange(world, place)));
      }
    } finally {
      await world.close();
    }
  }
  const notes = ['ratio: how much faster than the default, turn by turn; below 1 is slower'];
  publish({ bench: 'allreduce', rows, figures: {}, ratios: {}, notes, isJson: options.json });
}

async function compare() {
  const notes = [`ratios: 2 ranks, 25 MB; those without another name are of transport ${transports[0]}`];
  const rows = [];
  let ratios = {};
  for (const worldSize of numbers(options.ranks)) {
    const contenders = await openContenders(worldSize, notes);
    try {
      for (const megabytes of numbers(options['sizes-mb'])) {
        const measured = await measure(contenders, megabytes);
        rows.push(...measured.map((one) => rowOf(worldSize, megabytes, one)));
        if (worldSize === RATIO.worldSize && megabytes === RATIO.megabytes) ratios = ratiosOf(measured);
      }
    } finally {
      await Promise.all(contenders.map(({ close }) => close()));
    }
  }

  const figures = coreCosts();
  predict(rows, figures.addMsPerMB / 1e9, notes);
  publish({ bench: 'allreduce', rows, figures, ratios, notes, isJson: options.json });
}
