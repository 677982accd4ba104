/**
 * One rank that trains the plain vision transformer with the worker's real parts: engine thread, partial sums, mesh, AdamW.
 * It has no coordinator, broker or dataset: the images are random, as in bench/peers/ddp.py, which it is measured against.
 */
import { ADAMW_WITH_COSINE, formatCrc32, OPERATION_DEFAULTS, PassSigner } from '@facet/shared';
import { createFloatMemory, createPartialSums, gradientFormat, openMesh, startExchangeServer } from '@facet/collective';
import { applyUpdate, createGradientSum, gradientSumLength, learningRate } from '@facet/task';
import { allocateTrainingState, markApplied } from '@facet/worker/internal';
import type { RankJoin, RankQuestion } from '../process/rank-world.js';
import { servePeer } from '../process/serve-peer.js';
import { openVitModel, SLOTS } from './vit-model.js';
import type { VitAsk, VitJoined, VitSteps } from './vit-world.js';

const RUN = 'bench';
const PASSES = new PassSigner(new Uint8Array(32));
const TIMEOUT_MS = 60_000;
/** The same as torch.optim.AdamW in bench/peers/ddp.py: a constant rate, decay of everything, no clipping, no average. */
const OPTIMIZER = {
  ...ADAMW_WITH_COSINE,
  peakLearningRate: 1e-3,
  warmupShare: 0,
  finalShare: 1,
  weightDecay: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  clipNorm: 0,
  labelSmoothing: 0,
  emaDecay: 0,
};
const TOTAL_STEPS = 1_000_000;
const FORMAT = gradientFormat({ name: 'fp32', exactFrom: 0, seed: 1 });

/** A rank that has joined. */
interface Training {
  readonly joined: VitJoined;
  /** Takes one step; returns its mean loss. */
  takeStep(): Promise<number>;
  weightsCrc(): number;
  close(): Promise<void>;
}

const server = await startExchangeServer({
  host: '127.0.0.1',
  run: () => RUN,
  exchangeKey: () => PASSES.publicKey,
  snapshot: () => undefined,
});
let training: Training | undefined;

async function join({ rank, ports, ask }: RankJoin<VitAsk>): Promise<Training> {
  const model = await openVitModel(ask, rank);
  const { layout, weights, slots } = model;
  const own = ask.imagesPerRank / ask.microBatch;
  const total = own * ports.length;
  const { allocate } = createFloatMemory();
  const sumLayout = { parameters: layout.length, metrics: [] };
  const length = gradientSumLength(sumLayout);
  const reduced = createGradientSum(allocate(length), sumLayout);
  const mesh = await openMesh({
    server,
    run: RUN,
    pass: PASSES.forFrames({ run: RUN, generation: 1, rank }),
    generation: 1,
    rank,
    peers: ports.map((port, of) => ({ rank: of, workerId: `rank-${of}`, address: `127.0.0.1:${port}` })),
    length,
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
  const sums = createPartialSums({ length, format: FORMAT, allocate });
  const state = allocateTrainingState(weights, OPTIMIZER);
  const gradientScale = 1 / (ask.imagesPerRank * ports.length);
  let step = 0;
  return {
    joined: { parameters: layout.length },
    async takeStep() {
      step++;
      sums.begin(step, { start: rank * own, end: (rank + 1) * own }, total);
      model.fill(0, 0);
      for (let index = 0; index < own; index++) {
        const slot = index % SLOTS.length;
        const running = model.run(slot, index === 0);
        if (index + 1 < own) model.fill((index + 1) % SLOTS.length, index + 1);
        await running;
        const done = await sums.add(rank * own + index, slots[slot]!.sum.whole);
        if (done !== undefined) mesh.allReduce.contribute(step, done);
      }
      await mesh.allReduce.reduce(step, await sums.finish(), reduced.whole);
      const norm = applyUpdate(state, reduced.gradient, {
        config: OPTIMIZER,
        layout,
        step,
        rate: learningRate(OPTIMIZER, step, TOTAL_STEPS),
        gradientScale,
      });
      if (!Number.isFinite(norm)) throw new Error(`the gradient of step ${step} is not finite`);
      markApplied(state, step);
      return reduced.accounting().loss * gradientScale;
    },
    weightsCrc: () => state.weightsCrc,
    async close() {
      mesh.close();
      await model.close();
    },
  };
}

async function takeSteps(count: number): Promise<VitSteps> {
  if (training === undefined) throw new Error('steps were asked for before joining');
  const milliseconds: number[] = [];
  let loss = NaN;
  for (let i = 0; i < count; i++) {
    const startedAt = performance.now();
    loss = await training.takeStep();
    milliseconds.push(performance.now() - startedAt);
  }
  return { milliseconds, loss, weightsCrc: formatCrc32(training.weightsCrc()) };
}

await servePeer<RankQuestion<VitAsk>>(async (question) => {
  switch (question.kind) {
    case 'listen':
      return { port: server.port };
    case 'join':
      training = await join(question);
      return training.joined;
    case 'steps':
      return takeSteps(question.count);
    default:
      return question satisfies never;
  }
});
await training?.close();
server.close();
