// `npm run bench -- engine [--json]`: the captured engine on one thread against its own matrix product, PyTorch (when
// $FACET_PYTHON, default python3, can import it) and tfjs's CPU backend, taking turns in one run. Ratios are what counts.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { createProgramBuilder } from '../packages/worker/dist/engine/program/program-builder.js';
import { createOrtSession } from '../packages/worker/dist/engine/onnxruntime/ort-session.js';
import { median, publish } from './lib/figures.mjs';
import { captureVit, flopsPerImage, inputShapes, LARGE, lossAndGradients, SMALL } from './lib/plain-vit.mjs';

const { values: options } = parseArgs({
  options: { json: { type: 'boolean', default: false }, turns: { type: 'string', default: '5' } },
});
const TURNS = Number(options.turns);
const MICRO_BATCHES = [8, 16, 32, 64];
const PEER_BATCH = 128;
const CPU = { device: 'cpu', threads: 1 };

const count = (shape) => shape.reduce((product, size) => product * size, 1);
const random = (length) => Float32Array.from({ length }, () => (Math.random() - 0.5) / 8);

/** Milliseconds of one run, the median of a few. */
async function timed(run, runs) {
  const times = [];
  for (let i = 0; i < runs; i++) {
    const startedAt = performance.now();
    await run();
    times.push(performance.now() - startedAt);
  }
  return median(times);
}

/** A 1024^3 product on the same engine: what the machine gives right now. */
async function openGemm() {
  const size = 1024;
  const builder = createProgramBuilder('gemm');
  const square = { shape: [size, size], dtype: 'float32' };
  const [a, b] = [builder.input('a', square), builder.input('b', square)];
  const c = builder.node({ kind: 'matMul', transposeA: false, transposeB: false }, [a, b], square);
  const session = await createOrtSession(builder.build([{ name: 'c', id: c }]), CPU);
  const binding = session.bind(
    { a: random(size * size), b: random(size * size) },
    { c: new Float32Array(size * size) },
  );
  return {
    gflops: async () => (2 * size ** 3) / (await timed(() => binding.run(), 5)) / 1e6,
    close: () => session.close(),
  };
}

async function openCaptured(config, batch) {
  const startedAt = performance.now();
  const program = await captureVit(config, batch);
  const session = await createOrtSession(program, CPU);
  const setupMs = performance.now() - startedAt;
  const buffers = (named) =>
    Object.fromEntries(named.map(({ name, id }) => [name, random(count(program.values[id].shape))]));
  const binding = session.bind(buffers(program.inputs), buffers(program.outputs));
  await binding.run();
  const milliseconds = () => timed(() => binding.run(), Math.max(3, Math.round(64 / batch)));
  return { nodes: program.nodes.length, setupMs, milliseconds, close: () => session.close() };
}

/** tfjs's own CPU backend on two images: it would take minutes for more. */
async function tfjsImagesPerSecond(config) {
  await tf.setBackend('cpu');
  const batch = 2;
  const startedAt = performance.now();
  tf.tidy(() => {
    const tensors = new Map(
      Object.entries(inputShapes(config, batch)).map(([name, shape]) => [name, tf.tensor(random(count(shape)), shape)]),
    );
    for (const tensor of Object.values(lossAndGradients(config, tensors))) tensor.dataSync();
  });
  return (batch * 1000) / (performance.now() - startedAt);
}

/** PyTorch in a process of its own that answers one question at a time; undefined when it cannot be imported. */
async function openTorch() {
  const child = spawn(process.env.FACET_PYTHON ?? 'python3', [new URL('./peers/vit.py', import.meta.url).pathname], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  const milliseconds = async (config, batch) => {
    child.stdin.write(`${JSON.stringify({ ...config, batch, runs: 3 })}\n`);
    const { value, done } = await lines.next();
    return done ? undefined : median(JSON.parse(value));
  };
  if ((await milliseconds(SMALL, 2)) === undefined) return undefined;
  return { milliseconds, close: () => child.stdin.end() };
}

const gemm = await openGemm();
const torch = await openTorch();
if (torch === undefined) console.error('PyTorch cannot be imported (FACET_PYTHON): its ratios are left out');
const rows = [];
const ratios = {};
for (const config of [LARGE, SMALL]) {
  const flops = flopsPerImage(config);
  const captured = new Map();
  for (const batch of MICRO_BATCHES) captured.set(batch, await openCaptured(config, batch));
  const gemmRates = [];
  const torchRates = [];
  const rates = new Map(MICRO_BATCHES.map((batch) => [batch, []]));
  for (let turn = 0; turn < TURNS; turn++) {
    gemmRates.push(await gemm.gflops());
    for (const [batch, program] of captured) rates.get(batch).push((batch * 1000) / (await program.milliseconds()));
    if (torch !== undefined) torchRates.push((PEER_BATCH * 1000) / (await torch.milliseconds(config, PEER_BATCH)));
  }
  const tfjsRate = await tfjsImagesPerSecond(config);
  const gemmRate = median(gemmRates);
  for (const [batch, program] of captured) {
    const imagesPerSecond = median(rates.get(batch));
    const gflops = (imagesPerSecond * flops) / 1e9;
    rows.push({
      model: config.name,
      engine: `captured, micro-batch ${batch}`,
      imagesPerSecond: round(imagesPerSecond),
      gflops: round(gflops),
      percentOfGemm: round((100 * gflops) / gemmRate),
      nodes: program.nodes,
      setupMs: round(program.setupMs),
    });
    await program.close();
  }
  const best = Math.max(...[...rates.values()].map(median));
  const key = config === LARGE ? 'large' : 'small';
  ratios[`${key}Gemm`] = round((best * flops) / 1e9 / gemmRate);
  ratios[`${key}TfjsCpu`] = round(best / tfjsRate);
  rows.push({ model: config.name, engine: 'matrix product 1024^3', gflops: round(gemmRate) });
  rows.push({ model: config.name, engine: 'tfjs-cpu, batch 2', imagesPerSecond: round(tfjsRate) });
  if (torch !== undefined) {
    const torchRate = median(torchRates);
    ratios[`${key}PytorchEager`] = round(best / torchRate);
    rows.push({
      model: config.name,
      engine: `PyTorch eager, batch ${PEER_BATCH}`,
      imagesPerSecond: round(torchRate),
      gflops: round((torchRate * flops) / 1e9),
    });
  }
}
torch?.close();
await gemm.close();
publish({ bench: 'engine', rows, figures: {}, ratios, isJson: options.json });

function round(value) {
  return Number(value.toPrecision(3));
}
