// `npm run bench -- engine [--turns N] [--json]`: the captured engine on one thread against its own matrix product, PyTorch,
// PyTorch DDP (both from $FACET_PYTHON, default python3) and tfjs's CPU and WebAssembly backends, taking turns in one run.
// Ratios are what counts. Ends with exit code 1 when set-up is slow or memory grows.

import { parseArgs } from 'node:util';
import { openOptional, openPeers } from './lib/engine-peers.mjs';
import { figureKey, median, medianRatio, publish, round } from './lib/figures.mjs';
import { openPeer } from './lib/peer-process.mjs';
import { captureVit, flopsPerImage, inputValues, LARGE, SMALL } from './lib/plain-vit.mjs';
import { hostOverhead, openPreset, openPresetCompute, PRESET_NAMES } from './lib/preset-bench.mjs';
import { openGemm, openProgram } from './lib/program-session.mjs';
import { openWorld } from './lib/vit-world.mjs';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, turns: { type: 'string', default: '5' } },
});
const TURNS = Number(options.turns);
if (!Number.isInteger(TURNS) || TURNS < 1)
  throw new Error(`--turns must be a whole number from 1, got ${options.turns}`);

const MICRO_BATCHES = [4, 8, 16, 32, 64, 128];
/** PyTorch is measured in several sizes, too, and its best one counts. */
const TORCH_BATCHES = [16, 128];
const TORCH_RUNS = 3;
/** tfjs would take minutes for more. */
const TFJS_BATCH = 2;
const WORLD = { worldSize: 2, imagesPerRank: 128 };
const STEPS_PER_TURN = 3;
const MAX_SETUP_MS = 2_000;
const MEMORY = { preset: PRESET_NAMES[0], microBatches: 1_000, after: 200 };
const MAX_GROWTH_MB = 20;

const rows = [];
const figures = {};
const ratios = {};
const notes = [];
const failures = [];

/** Runs measurements by name, one after the other, several times over; the samples of each. */
async function takeTurns(measurements) {
  const samples = Object.fromEntries(Object.keys(measurements).map((name) => [name, []]));
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [name, measure] of Object.entries(measurements)) samples[name].push(await measure());
  }
  return samples;
}

/** The large model's keys have no prefix: it is the one that the goals are about. */
const keyOf = (config, name) => (config === LARGE ? figureKey(name) : figureKey('small', name));

function addRow(model, engine, rates, gemmRates, { formula, counted, ...more }) {
  const imagesPerSecond = median(rates);
  const gflops = (flops) => round((imagesPerSecond * flops) / 1e9);
  const percent = (flops) => round((100 * medianRatio(rates, gemmRates) * flops) / 1e9);
  rows.push({
    model,
    engine,
    imagesPerSecond: round(imagesPerSecond),
    ...(formula !== undefined && { gflops: gflops(formula), percentOfGemm: percent(formula) }),
    ...(counted !== undefined && { countedGflops: gflops(counted), countedPercentOfGemm: percent(counted) }),
    ...more,
  });
}

function checkSetup(what, setupMs) {
  if (setupMs > MAX_SETUP_MS) {
    failures.push(
      `${what}: capture, passes and session took ${round(setupMs)} ms, at most ${MAX_SETUP_MS} are allowed`,
    );
  }
}

async function measureVit(config, gemm, { torch, tfjs }) {
  const formula = flopsPerImage(config);
  const programs = [];
  for (const batch of MICRO_BATCHES) {
    programs.push(await openProgram(() => captureVit(config, batch), batch, inputValues(config, batch)));
  }
  const tfjsAnswers = {};
  const samples = await takeTurns({
    gemm: () => gemm.gflops(),
    ...Object.fromEntries(programs.map((program) => [program.batch, () => program.imagesPerSecond()])),
    ...Object.fromEntries(
      (torch === undefined ? [] : TORCH_BATCHES).map((batch) => [
        `PyTorch eager, batch ${batch}`,
        async () => {
          const { milliseconds } = await torch.ask({ ...config, batch, runs: TORCH_RUNS });
          return (batch * 1000) / median(milliseconds);
        },
      ]),
    ),
    ...Object.fromEntries(
      Object.entries(tfjs).map(([backend, peer]) => [
        backend,
        async () => {
          tfjsAnswers[backend] = await peer.ask({ config, batch: TFJS_BATCH, isWarmUp: !(backend in tfjsAnswers) });
          return (TFJS_BATCH * 1000) / tfjsAnswers[backend].milliseconds;
        },
      ]),
    ),
  });

  rows.push({ model: config.name, engine: 'matrix product 1024^3', gflops: round(median(samples.gemm)) });
  for (const { batch, flopsPerImage: counted, nodes, setupMs } of programs) {
    const more = { formula, counted, nodes, setupMs: round(setupMs) };
    addRow(config.name, `captured, micro-batch ${batch}`, samples[batch], samples.gemm, more);
    checkSetup(`${config.name}, micro-batch ${batch}`, setupMs);
  }
  const best = programs.reduce((a, b) => (median(samples[b.batch]) > median(samples[a.batch]) ? b : a));
  const bestRates = samples[best.batch];
  figures[keyOf(config, 'images per second')] = round(median(bestRates));
  figures[keyOf(config, 'best micro batch')] = best.batch;
  ratios[keyOf(config, 'gemm')] = round((medianRatio(bestRates, samples.gemm) * formula) / 1e9);
  ratios[keyOf(config, 'gemm counted')] = round((medianRatio(bestRates, samples.gemm) * best.flopsPerImage) / 1e9);

  if (torch !== undefined) {
    const names = TORCH_BATCHES.map((batch) => `PyTorch eager, batch ${batch}`);
    for (const name of names) addRow(config.name, name, samples[name], samples.gemm, { formula });
    ratios[keyOf(config, 'pytorch eager')] = round(
      Math.min(...names.map((name) => medianRatio(bestRates, samples[name]))),
    );
  }
  for (const backend of Object.keys(tfjs)) {
    addRow(config.name, `${backend}, batch ${TFJS_BATCH}`, samples[backend], samples.gemm, { formula });
    ratios[keyOf(config, backend)] = round(medianRatio(bestRates, samples[backend]));
  }
  await compareLosses(config, tfjsAnswers);
  for (const program of programs) await program.close();
  return best.batch;
}

/** Deviations from tfjs's CPU backend on the same inputs: of the loss, and of the norm of the whole gradient. */
async function compareLosses(config, { 'tfjs-cpu': reference, 'tfjs-wasm': wasm }) {
  if (reference === undefined) return;
  const values = inputValues(config, TFJS_BATCH);
  const program = await openProgram(() => captureVit(config, TFJS_BATCH), TFJS_BATCH, values);
  const { loss, ...gradients } = program.outputs;
  const squares = Object.values(gradients).flatMap((gradient) => Array.from(gradient, (value) => value * value));
  const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  const captured = { loss: loss[0], gradientNorm: norm };
  for (const [name, answer] of Object.entries({ captured, ...(wasm !== undefined && { 'tfjs-wasm': wasm }) })) {
    for (const what of ['loss', 'gradientNorm']) {
      const deviation = Math.abs(answer[what] - reference[what]) / Math.abs(reference[what]);
      figures[keyOf(config, `${name} ${what} deviation`)] = round(deviation);
    }
  }
  await program.close();
}

async function measurePreset(name, gemm) {
  const bare = await openPreset(name);
  const hosted = await openPresetCompute(name);
  await hosted.run();
  const samples = await takeTurns({
    gemm: () => gemm.gflops(),
    bare: () => bare.imagesPerSecond(),
    host: () => hostOverhead(bare, hosted),
  });
  const { batch, flopsPerImage: counted, nodes, setupMs } = bare;
  addRow(name, `captured, micro-batch ${batch}`, samples.bare, samples.gemm, {
    counted,
    nodes,
    setupMs: round(setupMs),
  });
  checkSetup(name, setupMs);
  figures[figureKey(name, 'images per second')] = round(median(samples.bare));
  const overheads = samples.host.map(({ bareMs, hostedMs }) => hostedMs - bareMs);
  const shares = samples.host.map(({ bareMs, hostedMs }) => (100 * (hostedMs - bareMs)) / hostedMs);
  figures[figureKey(name, 'host ms')] = round(median(overheads));
  figures[figureKey(name, 'host percent')] = round(median(shares));
  ratios[figureKey(name, 'gemm counted')] = round((medianRatio(samples.bare, samples.gemm) * counted) / 1e9);
  await bare.close();
  await hosted.close();
}

async function measureMemory() {
  const peer = openPeer('steady memory', new URL('./lib/steady-memory.mjs', import.meta.url));
  const { settledMB, endMB } = await peer.ask(MEMORY);
  await peer.close();
  const growthMB = endMB - settledMB;
  figures[`memoryMBAt${MEMORY.after}`] = round(settledMB);
  figures[`memoryMBAt${MEMORY.microBatches}`] = round(endMB);
  figures.memoryGrowthMB = round(growthMB);
  if (growthMB > MAX_GROWTH_MB) {
    failures.push(
      `${MEMORY.preset}: memory grew by ${round(growthMB)} MB between ${MEMORY.after} and ${MEMORY.microBatches} micro-batches, at most ${MAX_GROWTH_MB} are allowed`,
    );
  }
}

/** Whole training steps of two ranks, ours and PyTorch's, one world idle while the other one trains. */
async function measureWorlds(config, microBatch) {
  const ddp = await openOptional(keyOf(config, 'pytorch ddp'), notes, () =>
    openWorld('PyTorch DDP', new URL('./peers/ddp.py', import.meta.url), { ...WORLD, config }),
  );
  const ours = await openWorld('facet', new URL('./lib/vit-rank.mjs', import.meta.url), {
    ...WORLD,
    config,
    microBatch,
  });
  if (ddp !== undefined && ddp.parameters !== ours.parameters) {
    throw new Error(`PyTorch's model has ${ddp.parameters} parameters, ours ${ours.parameters}: they are not the same`);
  }
  const rate = (world) => async () =>
    (WORLD.worldSize * WORLD.imagesPerRank * 1000) / median(await world.steps(STEPS_PER_TURN));
  const worlds = { ours, ...(ddp !== undefined && { ddp }) };
  for (const world of Object.values(worlds)) await world.steps(1);
  const samples = await takeTurns(
    Object.fromEntries(Object.entries(worlds).map(([name, world]) => [name, rate(world)])),
  );
  const names = { ours: `2 ranks, micro-batch ${microBatch}, whole steps`, ddp: 'PyTorch DDP, 2 ranks, whole steps' };
  for (const name of Object.keys(worlds)) {
    rows.push({ model: config.name, engine: names[name], imagesPerSecond: round(median(samples[name])) });
  }
  figures[keyOf(config, 'two ranks images per second')] = round(median(samples.ours));
  if (ddp !== undefined) ratios[keyOf(config, 'pytorch ddp')] = round(medianRatio(samples.ours, samples.ddp));
  for (const world of Object.values(worlds)) await world.close();
}

const { torch, tfjs } = await openPeers({ config: SMALL, batch: TFJS_BATCH, notes });
const gemm = await openGemm();
const bestMicroBatches = new Map();
for (const config of [LARGE, SMALL]) bestMicroBatches.set(config, await measureVit(config, gemm, { torch, tfjs }));
for (const peer of [torch, ...Object.values(tfjs)]) await peer?.close();
for (const name of PRESET_NAMES) await measurePreset(name, gemm);
await gemm.close();
await measureMemory();
for (const [config, microBatch] of bestMicroBatches) await measureWorlds(config, microBatch);

publish({ bench: 'engine', rows, figures, ratios, notes, isJson: options.json });
for (const failure of failures) console.error(`failed: ${failure}`);
if (failures.length > 0) process.exitCode = 1;
