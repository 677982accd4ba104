/** Whole training steps of two ranks, ours and PyTorch's, one world idle while the other one trains. */
import { median, medianRatio, round } from '../figures.js';
import { openOptional } from '../process/optional-peer.js';
import { takeTurns } from '../process/turns.js';
import { keyOf } from './engine-record.js';
import type { EngineScope } from './engine-scope.js';
import type { VitConfig } from './vit-config.js';
import { openVitWorld, type VitWorld } from './vit-world.js';

const OURS = new URL('./vit-rank.js', import.meta.url);
const DDP = new URL('../../peers/ddp.py', import.meta.url);
const WORLD_SIZE = 2;

/** Measures both worlds, or ours alone. */
export async function compareWorlds(config: VitConfig, microBatch: number, scope: EngineScope): Promise<void> {
  const { plan, turns, record, context } = scope;
  const worlds = new Map<string, VitWorld>();
  const open = async (name: string, file: URL): Promise<void> => {
    const ask = { config, imagesPerRank: plan.imagesPerRank, microBatch };
    const world = await openVitWorld({ name, script: { file }, worldSize: WORLD_SIZE, signal: context.signal }, ask);
    worlds.set(name, world);
  };
  const [ours, theirs] = [`2 ranks, micro-batch ${microBatch}, whole steps`, 'PyTorch DDP, 2 ranks, whole steps'];
  const ratioKey = keyOf(config, 'pytorch ddp');
  try {
    await open(ours, OURS);
    await openOptional(ratioKey, record.notes, context, () => open(theirs, DDP));
    requireSameModel(worlds);
    for (const world of worlds.values()) await world.steps(1);
    const measures = [...worlds].map(([name, world]) => {
      const rate = async (): Promise<number> =>
        (WORLD_SIZE * plan.imagesPerRank * 1000) / median(await world.steps(plan.stepsPerTurn));
      return [name, rate] as const;
    });
    const samples = new Map(Object.entries(await takeTurns(Object.fromEntries(measures), turns, context.signal)));
    for (const [engine, rates] of samples) {
      record.rows.push({ model: config.name, engine, imagesPerSecond: round(median(rates)) });
    }
    const [ourRates, theirRates] = [samples.get(ours)!, samples.get(theirs)];
    record.figures[keyOf(config, 'two ranks images per second')] = round(median(ourRates));
    if (theirRates !== undefined) record.ratios[ratioKey] = round(medianRatio(ourRates, theirRates));
  } finally {
    for (const world of worlds.values()) await world.close();
  }
}

function requireSameModel(worlds: ReadonlyMap<string, VitWorld>): void {
  const counts = [...worlds].map(([name, { parameters }]) => `${name}: ${parameters}`);
  if (new Set([...worlds.values()].map(({ parameters }) => parameters)).size > 1) {
    throw new Error(`the worlds train models with different numbers of parameters (${counts.join('; ')})`);
  }
}
