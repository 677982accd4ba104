/**
 * Everybody who can all-reduce here takes turns: the worker's transports and formats in processes of their own, raw TCP
 * between two Node processes, and Gloo through PyTorch. Ratios are of two ranks at one size; above 1 is faster than the peer.
 */
import os from 'node:os';
import { OPERATION_DEFAULTS } from '@facet/shared';
import { predictAllReduce } from '@facet/collective';
import { fitCosts } from '@facet/collective/internal';
import type { BenchContext, OptionValues, Run } from '../bench.js';
import { figureKey, median, medianRatio, quantile, round } from '../figures.js';
import { openOptional } from '../process/optional-peer.js';
import { openRanks, slowest, type RankWorld } from '../process/rank-world.js';
import { coreCosts, type CoreCosts } from './core-costs.js';
import type { AllreduceOptions, ComparedRow } from './definition.js';
import { elementsOf, type ContenderAsk, type ExchangeAsk } from './exchange-ask.js';
import type { TimedSteps } from './step-timer.js';
import { tuneExchange, type TunedWay } from './tune-exchange.js';

const OURS = { file: new URL('./allreduce-rank.js', import.meta.url) };
const NODE_TCP = { file: new URL('./tcp-rank.js', import.meta.url) };
const GLOO = { file: new URL('../../peers/allreduce.py', import.meta.url) };
/** Where the ratios are taken: at this size, or the nearest that is measured. */
const RATIO = { worldSize: 2, megabytes: 25 };
const FIRST_STEPS = 2;
/** How long everyone runs before it counts, about: a training takes thousands of steps, and the code of the first ones is still being compiled. */
const WARM_UP_MS = 3_000;
/** How long a turn of the fastest takes, about; a slower one takes as many steps. */
const TURN_MS = 200;
const SMALL_MS = 20;
const MAX_STEPS = 1_000;

type Options = OptionValues<AllreduceOptions>;

export const runAllreduce: Run<AllreduceOptions, ComparedRow | TunedWay, Partial<CoreCosts>, Record<string, number>> = (
  options,
  context,
) => (options.tune ? tune(options, context) : compare(options, context));

/** Every way to cut a gradient, against the default one. */
async function tune(options: Options, { signal }: BenchContext) {
  const rows: TunedWay[] = [];
  const [transport = 'auto'] = options.transports;
  for (const worldSize of options.ranks) {
    const world = await openRanks<ExchangeAsk>({ name: 'tune', script: OURS, worldSize, signal });
    try {
      for (const megabytes of options['sizes-mb']) {
        rows.push(...(await tuneExchange(world, { worldSize, megabytes, transport, turns: options.turns })));
      }
    } finally {
      await world.close();
    }
  }
  const notes = ['ratio: how much faster than the default, turn by turn; below 1 is slower'];
  return { rows, figures: {}, ratios: {}, notes };
}

async function compare(options: Options, context: BenchContext) {
  const ratioMegabytes = options['sizes-mb'].toSorted(
    (a, b) => Math.abs(a - RATIO.megabytes) - Math.abs(b - RATIO.megabytes),
  )[0];
  const notes = [
    `ratios: ${RATIO.worldSize} ranks, ${ratioMegabytes} MB; those without another name are of transport ${options.transports[0]}`,
  ];
  const rows: ComparedRow[] = [];
  let ratios: Record<string, number> = {};
  for (const worldSize of options.ranks) {
    const contenders = await openContenders(options, worldSize, notes, context);
    try {
      for (const megabytes of options['sizes-mb']) {
        const measured = await measure(contenders, megabytes, options.turns, context);
        rows.push(...measured.map((one) => rowOf(worldSize, megabytes, one)));
        if (worldSize === RATIO.worldSize && megabytes === ratioMegabytes) ratios = ratiosOf(options, measured);
      }
    } finally {
      await Promise.all(contenders.map(({ world }) => world.close()));
    }
  }
  const figures = coreCosts();
  return { rows: withPredictions(rows, options, figures, notes), figures, ratios, notes };
}

interface Contender {
  readonly name: string;
  readonly ask: Partial<ExchangeAsk>;
  readonly world: RankWorld<ContenderAsk>;
}

/** Everyone who is measured with so many ranks, open and idle. */
async function openContenders(
  { transports, formats }: Options,
  worldSize: number,
  notes: string[],
  context: BenchContext,
): Promise<Contender[]> {
  const contenders: Contender[] = [];
  const add = async (name: string, script: { file: URL }, ask: Partial<ExchangeAsk> = {}): Promise<void> => {
    const { signal } = context;
    contenders.push({ name, ask, world: await openRanks<ContenderAsk>({ name, script, worldSize, signal }) });
  };
  try {
    for (const transport of transports) await add(transport, OURS, { transport, format: 'fp32' });
    for (const format of formats) await add(format, OURS, { transport: transports[0] ?? 'auto', format });
    if (worldSize === 2) await add('nodeTcp', NODE_TCP);
    await openOptional('gloo', notes, context, () => add('gloo', GLOO));
    return contenders;
  } catch (caught) {
    await Promise.all(contenders.map(({ world }) => world.close()));
    throw caught;
  }
}

interface Turn {
  readonly milliseconds: readonly number[];
  readonly cpuSeconds: number;
  readonly blockedMs: number;
}

interface Measured {
  readonly name: string;
  readonly turns: Turn[];
}

/** Lets everyone take turns at one size, each turn begun by another; returns their turns. */
async function measure(
  contenders: readonly Contender[],
  megabytes: number,
  turns: number,
  { isSmall }: BenchContext,
): Promise<Measured[]> {
  const length = elementsOf(megabytes);
  const measured = contenders.map(({ name }) => ({ name, turns: [] as Turn[] }));
  for (const { world, ask } of contenders) await world.join({ ...ask, length });
  const first: number[] = [];
  for (const contender of contenders) {
    const stepMs = Math.min(...(await steps(contender, FIRST_STEPS)).milliseconds);
    await steps(contender, Math.ceil((isSmall ? SMALL_MS : WARM_UP_MS) / stepMs));
    first.push(stepMs);
  }
  const turnMs = isSmall ? SMALL_MS : TURN_MS;
  const count = Math.max(2, Math.min(MAX_STEPS, Math.round(turnMs / Math.min(...first))));
  for (let turn = 0; turn < turns; turn++) {
    for (let place = 0; place < contenders.length; place++) {
      const index = (turn + place) % contenders.length;
      measured[index]!.turns.push(await steps(contenders[index]!, count));
    }
  }
  return measured;
}

async function steps({ world }: Contender, count: number): Promise<Turn> {
  const answers = await world.steps<TimedSteps>(count);
  return {
    milliseconds: slowest(answers.map(({ milliseconds }) => milliseconds)),
    cpuSeconds: answers.reduce((sum, answer) => sum + answer.cpuSeconds, 0),
    blockedMs: Math.max(...answers.map((answer) => answer.blockedMs ?? 0)),
  };
}

function rowOf(ranks: number, megabytes: number, { name, turns }: Measured): ComparedRow {
  const times = turns.flatMap(({ milliseconds }) => milliseconds);
  const p50 = median(times);
  const algbw = megabytes / p50;
  const gigabytes = (megabytes * times.length) / 1000;
  const blockedMs = Math.max(...turns.map((turn) => turn.blockedMs));
  return {
    ranks,
    megabytes,
    name,
    p50Ms: round(p50),
    p99Ms: round(quantile(times, 0.99)),
    algbwGBs: round(algbw),
    busbwGBs: round((algbw * 2 * (ranks - 1)) / ranks),
    cpuSecondsPerGB: round(turns.reduce((sum, turn) => sum + turn.cpuSeconds, 0) / gigabytes),
    ...(blockedMs > 0 && { blockedMs: round(blockedMs) }),
  };
}

/** How much faster the transports are than their peers, and the others than gRPC; the formats than fp32. */
function ratiosOf({ transports, formats }: Options, measured: readonly Measured[]): Record<string, number> {
  const timesOf = (name: string): number[] | undefined =>
    measured.find((one) => one.name === name)?.turns.map((turn) => median(turn.milliseconds));
  const ratios: Record<string, number> = {};
  const compareTo = (key: string, slower: string, faster: string): void => {
    const [theirs, ours] = [timesOf(slower), timesOf(faster)];
    if (theirs !== undefined && ours !== undefined) ratios[key] = round(medianRatio(theirs, ours));
  };
  const [first = 'auto'] = transports;
  for (const transport of transports) {
    for (const peer of ['gloo', 'nodeTcp', 'grpc']) {
      if (peer !== transport) compareTo(transport === first ? peer : figureKey(transport, peer), peer, transport);
    }
  }
  for (const format of formats) compareTo(figureKey(format, first), first, format);
  return ratios;
}

/** Adds what the cost model says, fitted to the smallest and the largest size of two ranks of the first transport. */
function withPredictions(
  rows: readonly ComparedRow[],
  { transports }: Options,
  { addMsPerMB }: CoreCosts,
  notes: string[],
): ComparedRow[] {
  const { bucketBytes, exchange } = OPERATION_DEFAULTS;
  const cut = { bucketBytes, messageBytes: exchange.messageBytes };
  const isOurs = ({ name }: ComparedRow): boolean => name === transports[0];
  const pairs = rows.filter((row) => isOurs(row) && row.ranks === 2).sort((a, b) => a.megabytes - b.megabytes);
  const [smallest, largest] = [pairs[0], pairs.at(-1)];
  if (smallest === undefined || largest === undefined || smallest === largest) {
    notes.push('no predictions: they are fitted to two sizes of two ranks');
    return [...rows];
  }
  const measured = ({ megabytes, p50Ms }: ComparedRow) => ({ bytes: megabytes * 1e6, seconds: p50Ms / 1000 });
  try {
    const costs = fitCosts(measured(smallest), measured(largest), { ...cut, perAddedByte: addMsPerMB / 1e9 });
    notes.push(`predicted with ${JSON.stringify(costs)}`);
    return rows.map((row) => {
      if (!isOurs(row)) return row;
      const { ranks, megabytes } = row;
      const here = { ranks, ranksPerHost: ranks, coresPerHost: os.availableParallelism() };
      const shape = { bytes: megabytes * 1e6, ...cut, groupSize: ranks };
      const cluster = { ...here, linkBytesPerSecond: Infinity, hopSeconds: 0 };
      return { ...row, predictedMs: round(predictAllReduce(shape, cluster, costs).seconds * 1000) };
    });
  } catch (caught) {
    if (!(caught instanceof RangeError)) throw caught;
    notes.push(`no predictions: ${caught.message}`);
    return [...rows];
  }
}
