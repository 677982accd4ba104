// One rank that trains the plain vision transformer with the worker's real parts: engine thread, partial sums, gRPC mesh,
// AdamW. It has no coordinator, broker or dataset: the images are random, as in bench/peers/ddp.py, which it is measured
// against. Answers {kind: 'listen'}, then {kind: 'join'}, then any number of {kind: 'steps'}.

import { OPERATION_DEFAULTS } from '../../packages/shared/dist/index.js';
import { formatCrc32 } from '@facet/shared';
import { createFloatMemory } from '../../packages/worker/dist/collective/float-memory.js';
import { gradientFormat } from '../../packages/worker/dist/collective/formats/gradient-format.js';
import { openMesh } from '../../packages/worker/dist/collective/mesh.js';
import { startExchangeServer } from '../../packages/worker/dist/collective/exchange-server.js';
import { createPartialSums } from '../../packages/worker/dist/collective/partial-sums.js';
import { hostEngine } from '../../packages/worker/dist/engine/engine-host.js';
import { openThreadLink } from '../../packages/worker/dist/engine/onnxruntime/thread-link.js';
import { layoutParameters } from '../../packages/worker/dist/model/parameters.js';
import { applyAdamW } from '../../packages/worker/dist/train/adamw.js';
import { allocateTrainingState, markApplied } from '../../packages/worker/dist/train/training-state.js';
import { servePeer } from './peer-process.mjs';
import { captureVit, inputValues, parameterShapes } from './plain-vit.mjs';

const RUN = 'bench';
const TIMEOUT_MS = 60_000;
/** The same as torch.optim.AdamW in bench/peers/ddp.py: a constant rate, decay of everything, no clipping. */
const OPTIMIZER = {
  peakLearningRate: 1e-3,
  warmupShare: 0,
  finalShare: 1,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  clipNorm: 0,
};
const TOTAL_STEPS = 1_000_000;
const SLOTS = [0, 1];
const FORMAT = gradientFormat({ name: 'fp32', exactFrom: 0, seed: 1 });

/** The flat parameters, the engine thread bound to two slots, and this rank's images. */
async function openModel({ config, imagesPerRank, microBatch }, rank) {
  const layout = layoutParameters(
    Object.entries(parameterShapes(config)).map(([name, shape]) => ({ name, shape, decays: true })),
  );
  const values = inputValues(config, imagesPerRank);
  const buffers = {};
  const allocate = (name, length) => {
    buffers[name] = new SharedArrayBuffer(4 * length);
    return new Float32Array(buffers[name]);
  };
  const weights = allocate('weights', layout.length);
  for (const { name, offset } of layout.slots) weights.set(values[name], offset);
  const perImage = (name) => values[name].length / imagesPerRank;
  const slots = SLOTS.map((slot) => ({
    patches: allocate(`patches${slot}`, microBatch * perImage('patches')),
    targets: allocate(`targets${slot}`, microBatch * perImage('targets')),
    // The gradient, and the loss behind it.
    result: allocate(`result${slot}`, layout.length + 1),
  }));
  const parts = (buffer, prefix) =>
    Object.fromEntries(
      layout.slots.map(({ name, offset, length }) => [`${prefix}${name}`, { buffer, offset, length }]),
    );
  const whole = (buffer, values) => ({ buffer, offset: 0, length: values.length });
  const engine = await hostEngine(
    openThreadLink({
      session: { device: 'cpu', threads: 1 },
      programs: [await captureVit(config, microBatch)],
      buffers,
      bindings: slots.map(({ patches, targets }, slot) => ({
        program: 0,
        inputs: {
          ...parts('weights', ''),
          patches: whole(`patches${slot}`, patches),
          targets: whole(`targets${slot}`, targets),
        },
        outputs: {
          ...parts(`result${slot}`, 'grad:'),
          loss: { buffer: `result${slot}`, offset: layout.length, length: 1 },
        },
      })),
    }),
  );

  /** Copies micro-batch `index` of this rank into a slot, as a worker does while the one before is computed. */
  const fill = (slot, index) => {
    for (const name of ['patches', 'targets']) {
      const length = slots[slot][name].length;
      // Ranks see the same images in another order: what they are does not matter here.
      const start = ((index + rank) * length) % values[name].length;
      slots[slot][name].set(values[name].subarray(start, start + length));
    }
  };
  const run = (slot, areWeightsNew) =>
    engine.run({
      binding: slot,
      copyIn: [`patches${slot}`, `targets${slot}`, ...(areWeightsNew ? ['weights'] : [])],
    });
  return { layout, weights, slots, fill, run, close: () => engine.close() };
}

const server = await startExchangeServer({ host: '127.0.0.1', run: () => RUN, snapshot: () => undefined });
let model;
let mesh;
let state;
let takeStep;

async function join({ rank, ports, ask }) {
  model = await openModel(ask, rank);
  const { layout, weights, slots } = model;
  const own = ask.imagesPerRank / ask.microBatch;
  const total = own * ports.length;
  const { allocate } = createFloatMemory();
  const reduced = allocate(layout.length + 1);
  mesh = await openMesh({
    server,
    run: RUN,
    generation: 1,
    rank,
    peers: ports.map((port, of) => ({ rank: of, workerId: `rank-${of}`, address: `127.0.0.1:${port}` })),
    length: reduced.length,
    format: FORMAT,
    bucketBytes: OPERATION_DEFAULTS.bucketBytes,
    transport: 'auto',
    allocate,
    timeoutMs: TIMEOUT_MS,
    firstStep: 1,
    microBatches: () => total,
    onFailure: () => undefined, // The step that waits for the peer fails with the same error.
    signal: new AbortController().signal,
  });
  const sums = createPartialSums({ length: reduced.length, format: FORMAT, allocate });
  state = allocateTrainingState(weights);
  let step = 0;
  takeStep = async () => {
    step++;
    sums.begin(step, { start: rank * own, end: (rank + 1) * own }, total);
    model.fill(0, 0);
    for (let index = 0; index < own; index++) {
      const slot = index % SLOTS.length;
      const running = model.run(slot, index === 0);
      if (index + 1 < own) model.fill((index + 1) % SLOTS.length, index + 1);
      await running;
      const done = await sums.add(rank * own + index, slots[slot].sum.whole);
      if (done !== undefined) mesh.allReduce.contribute(step, done);
    }
    await mesh.allReduce.reduce(step, await sums.finish(), reduced);
    const gradientScale = 1 / (ask.imagesPerRank * ports.length);
    const norm = applyAdamW(state, reduced, {
      config: OPTIMIZER,
      layout,
      step,
      totalSteps: TOTAL_STEPS,
      gradientScale,
    });
    if (!Number.isFinite(norm)) throw new Error(`the gradient of step ${step} is not finite`);
    markApplied(state, step);
    return reduced[layout.length] * gradientScale;
  };
  return { parameters: layout.length };
}

async function takeSteps({ count }) {
  const milliseconds = [];
  let loss;
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now();
    loss = await takeStep();
    milliseconds.push(performance.now() - startedAt);
  }
  return { milliseconds, loss, weightsCrc: formatCrc32(state.weightsCrc) };
}

await servePeer((question) => {
  if (question.kind === 'listen') return { port: server.port };
  return question.kind === 'join' ? join(question) : takeSteps(question);
});
mesh?.close();
server.close();
await model?.close();
