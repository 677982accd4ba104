/**
 * Everybody takes turns in one run, because ratios are what counts. Fails when set-up is slow or memory grows.
 */
import type { PresetName } from '@facet/multiview/config';
import type { Run } from '../bench.js';
import { figureKey, median, medianRatio, round } from '../figures.js';
import { openPeer } from '../process/peer-process.js';
import { takeTurns } from '../process/turns.js';
import type { EngineOptions, EngineRow } from './definition.js';
import { openPeers } from './engine-peers.js';
import { FULL_PLAN, SMALL_PLAN } from './engine-plan.js';
import { EngineRecord } from './engine-record.js';
import { checkSetup, type EngineScope } from './engine-scope.js';
import { hostOverhead, openPreset, openPresetCompute } from './preset-programs.js';
import { openGemm, type Gemm } from './program-session.js';
import type { MemoryAnswer, MemoryQuestion } from './steady-memory.js';
import { compareThreads, TFJS_BATCH } from './thread-comparison.js';
import { SMALL } from './vit-config.js';
import { compareWorlds } from './world-comparison.js';

export const runEngine: Run<
  EngineOptions,
  EngineRow,
  Record<string, number> & { memoryGrowthMB: number; memorySettledMB: number },
  Record<string, number>
> = async ({ turns }, context) => {
  const plan = context.isSmall ? SMALL_PLAN : FULL_PLAN;
  const record = new EngineRecord();
  const scope: EngineScope = { plan, turns, record, context };
  const gemm = await openGemm(plan.gemmSize);
  const peers = await openPeers(SMALL, TFJS_BATCH, record.notes, context);
  const bestMicroBatches = [];
  try {
    for (const config of plan.configs) {
      bestMicroBatches.push({ config, microBatch: await compareThreads(config, gemm, peers, scope) });
    }
  } finally {
    await peers.close();
  }
  for (const name of plan.presets) await measurePreset(name, gemm, scope);
  await gemm.close();
  const memory = await measureMemory(scope);
  for (const { config, microBatch } of bestMicroBatches) await compareWorlds(config, microBatch, scope);
  const { rows, figures, ratios, notes, failures } = record;
  return { rows, figures: { ...figures, ...memory }, ratios, notes, failures };
};

/** A preset on the engine, bare and the way a worker runs it. */
async function measurePreset(name: PresetName, gemm: Gemm, scope: EngineScope): Promise<void> {
  const { turns, record, context } = scope;
  const bare = await openPreset(name);
  const hosted = await openPresetCompute(name);
  try {
    await hosted.run();
    const overheads: { bareMs: number; hostedMs: number }[] = [];
    const samples = await takeTurns(
      {
        gemm: () => gemm.gflops(),
        bare: () => bare.imagesPerSecond(),
        host: async () => {
          const measured = await hostOverhead(bare, hosted);
          overheads.push(measured);
          return measured.hostedMs;
        },
      },
      turns,
      context.signal,
    );
    const { batch, flopsPerImage: counted, nodes, setupMs } = bare;
    const details = { counted, nodes, setupMs };
    record.addRow(name, `captured, micro-batch ${batch}`, samples.bare, samples.gemm, details);
    checkSetup(name, setupMs, scope);
    record.figures[figureKey(name, 'images per second')] = round(median(samples.bare));
    const hostMs = overheads.map(({ bareMs, hostedMs }) => hostedMs - bareMs);
    const shares = overheads.map(({ bareMs, hostedMs }) => (100 * (hostedMs - bareMs)) / hostedMs);
    record.figures[figureKey(name, 'host ms')] = round(median(hostMs));
    record.figures[figureKey(name, 'host percent')] = round(median(shares));
    record.ratios[figureKey(name, 'gemm counted')] = round((medianRatio(samples.bare, samples.gemm) * counted) / 1e9);
  } finally {
    await bare.close();
    await hosted.close();
  }
}

/** The memory of the first preset's engine, in a process of its own. */
async function measureMemory({ plan, record, context }: EngineScope) {
  const preset = plan.presets[0]!;
  const peer = openPeer('steady memory', { file: new URL('./steady-memory.js', import.meta.url) }, context.signal);
  try {
    const { settledMB, endMB } = await peer.ask<MemoryAnswer>({ preset, ...plan.memory } satisfies MemoryQuestion);
    const growthMB = endMB - settledMB;
    const { after, microBatches } = plan.memory;
    record.notes.push(`memory: ${preset}, from micro-batch ${after} to ${microBatches}`);
    if (growthMB > plan.limits.growthMB) {
      record.failures.push(
        `${preset}: memory grew by ${round(growthMB)} MB between ${after} and ${microBatches} micro-batches, at most ${plan.limits.growthMB} are allowed`,
      );
    }
    return { memorySettledMB: round(settledMB), memoryEndMB: round(endMB), memoryGrowthMB: round(growthMB) };
  } finally {
    await peer.close();
  }
}
