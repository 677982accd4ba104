/**
 * A run of twenty steps of a tiny model on real images, through everything that a worker's training loop wires together:
 * plan, shards, augmentation, engine, partial sums, all-reduce, accounting, update and average. Its gradients are stored in
 * reference/numbers, where PyTorch's AdamW says what the state must be after them.
 */
import { datasetSource, openDataset, type SampleSource } from '@facet/datasets';
import { createPlan, evenSplit, OPERATION_DEFAULTS, ADAMW_WITH_COSINE, type Plan } from '@facet/shared';
import { PRESETS, type ModelConfig, type MultiView } from '@facet/multiview/config';
import { createAllReduce, ORDINARY_MEMORY } from '@facet/collective/internal';
import { gradientFormat } from '@facet/collective';
import type { ShardSource } from '../src/data/shard-source.js';
import { createCompute } from '@facet/engine/internal';
import { sumLayoutOf, type Compute, type TrainingSlot } from '@facet/engine';
import { multiViewShape, multiViewTask } from '@facet/multiview';
import { createGradientSum, gradientSumLength, initialWeights, type Task } from '@facet/task';
import type { Accounting } from '@facet/task/internal';
import { runGeneration, type StepResult } from '../src/train/generation-loop.js';
import { allocateTrainingState, resetState, type TrainingState } from '../src/train/training-state.js';

function wiredTask(model: ModelConfig): MultiView['task'] {
  const { name, options } = PRESETS['mnist-fast'].task;
  return { name, options: { ...options, model } };
}

/** Five steps an epoch, the last of which is smaller; three micro-batches a step, the last of which is smaller. */
export const WIRED_CONFIG: MultiView = {
  ...PRESETS['mnist-fast'],
  ...OPERATION_DEFAULTS,
  preset: 'mnist-fast',
  run: 'wired',
  seed: 5,
  epochs: 4,
  samples: { train: 110, test: 20, heldOut: 0 },
  batch: { global: 24, micro: 10 },
  task: wiredTask({
    ...PRESETS['mnist-fast'].task.options.model,
    viewPatchSize: 7,
    patchSize: 7,
    patchStride: 7,
    stemWidth: 4,
    width: 8,
    depth: 1,
    heads: 2,
    mlpRatio: 2,
  }),
  optimizer: {
    ...ADAMW_WITH_COSINE,
    peakLearningRate: 0.02,
    warmupShare: 0.2,
    finalShare: 0.1,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    weightDecay: 0.05,
    // Between the norms that the steps have: some are clipped, some are not.
    clipNorm: 1,
    labelSmoothing: 0.05,
    emaDecay: 0.9,
  },
};

export interface WiredRun {
  readonly initial: Float32Array;
  readonly state: TrainingState;
  readonly steps: readonly StepResult[];
  /** The sum of every micro-batch, in the order in which they were computed. */
  readonly sums: readonly RecordedSum[];
  readonly compute: Compute;
}

export interface RecordedSum {
  /** [parameters], summed over the samples of a micro-batch. */
  readonly gradient: Float32Array;
  readonly accounting: Accounting;
}

/**
 * Runs all steps as the only rank.
 *
 * @param replayed sums that take the place of the engine's; the weights do not change them
 * @param freeze parameters that are not trained
 */
export async function runWired(replayed?: readonly RecordedSum[], freeze: readonly string[] = []): Promise<WiredRun> {
  const dataset = await openDataset({ name: 'mnist' });
  const { image, classes } = dataset;
  const task: Task = multiViewTask(multiViewShape({ image, classes: classes.length }, WIRED_CONFIG));
  const plan = createPlan(WIRED_CONFIG, { trainSamples: dataset.train.count, testSamples: dataset.test.count });
  const engine = { name: 'onnxruntime', device: 'cpu' } as const;
  const real = await createCompute({ task, engine, threads: 1 });
  try {
    const sums: RecordedSum[] = [];
    const compute = replayed === undefined ? recording(real, sums) : replaying(real, task, replayed);
    const initial = initialWeights(compute.layout, WIRED_CONFIG.seed);
    const state = allocateTrainingState(compute.weights, WIRED_CONFIG.optimizer);
    resetState(state, initial);
    const config = { ...WIRED_CONFIG, freeze: [...freeze] };
    const steps = await train({ config, plan, task, data: datasetSource(dataset), compute, state });
    return { initial, state, steps, sums, compute };
  } finally {
    await real.close();
  }
}

interface Wiring {
  readonly config: MultiView;
  readonly plan: Plan;
  readonly task: Task;
  readonly data: SampleSource;
  readonly compute: Compute;
  readonly state: TrainingState;
}

async function train({ config, plan, task, data, compute, state }: Wiring): Promise<StepResult[]> {
  const steps: StepResult[] = [];
  const parameters = compute.layout.length;
  const allReduce = createAllReduce({
    run: 0,
    generation: 1,
    rank: 0,
    worldSize: 1,
    length: gradientSumLength(sumLayoutOf(task)),
    format: gradientFormat({ name: 'fp32', exactFrom: parameters, seed: WIRED_CONFIG.seed }),
    bucketBytes: WIRED_CONFIG.bucketBytes,
    timeoutMs: WIRED_CONFIG.timeouts.stepMs,
    firstStep: 1,
    microBatches: (step) => plan.microBatchCount({ kind: 'train', step }),
    send: () => Promise.reject(new Error('the only rank has nobody to send to')),
    nameOf: (rank) => `rank ${rank}`,
  });
  await runGeneration({
    config,
    plan,
    task,
    rank: 0,
    split: evenSplit(1),
    start: { kind: 'train', step: 1 },
    compute,
    state,
    shards: shardsOf(plan, data),
    allReduce,
    allocate: ORDINARY_MEMORY.allocate,
    signal: new AbortController().signal,
    lastStep: () => plan.totalSteps,
    now: () => 0,
    onStep: (result) => steps.push(result),
    onEvaluation: () => undefined,
  });
  return steps;
}

/** The shards of the only rank, without a broker. */
function shardsOf(plan: Plan, data: SampleSource): ShardSource {
  return {
    begin: () => undefined,
    async take(item, index) {
      const ids = plan.microBatch(item, index);
      return { ids, fields: await data.read(plan.splitOf(item), ids) };
    },
    backlog: 0,
    close: () => Promise.resolve(),
  };
}

function recording(compute: Compute, sums: RecordedSum[]): Compute {
  return withSlots(compute, (slot) => ({
    ...slot,
    async run() {
      await slot.run();
      sums.push({ gradient: slot.sum.gradient.slice(), accounting: slot.sum.accounting() });
    },
  }));
}

/** An engine that answers with what is stored, in its order; the samples are counted as they come. */
function replaying(compute: Compute, task: Task, sums: readonly RecordedSum[]): Compute {
  let next = 0;
  return withSlots(compute, (slot) => {
    const layout = sumLayoutOf(task);
    const sum = createGradientSum(new Float32Array(gradientSumLength(layout)), layout);
    return {
      ...slot,
      sum,
      run() {
        const { gradient, accounting } = sums[next++]!;
        sum.gradient.set(gradient);
        sum.account({ ...accounting, ...slot.accounting });
        return Promise.resolve();
      },
    };
  });
}

function withSlots(compute: Compute, change: (slot: TrainingSlot) => TrainingSlot): Compute {
  const [first, second] = compute.trainingSlots;
  return { ...compute, trainingSlots: [change(first), change(second)] };
}
