/**
 * A training loop with everything around it made by hand: three parameters, samples of nothing but a label, an engine whose gradient a
 * test decides, shards from memory, and an all-reduce of one rank that a test can interfere with.
 */
import {
  createPlan,
  evenSplit,
  OPERATION_DEFAULTS,
  type Plan,
  type RunConfig,
  type WorkItem,
  type WorkSplit,
} from '@facet/shared';
import { SYSTEM_TRAINING } from '../../../test/testkit/system-training.js';
import { type AllReduce, gradientFormat } from '@facet/collective';
import { ORDINARY_MEMORY, addFloats } from '@facet/collective/internal';
import type { ShardSource } from '../src/data/shard-source.js';
import { sumLayoutOf, type Compute, type EvaluationSlot, type TrainingSlot } from '@facet/engine';
import {
  type BatchTensors,
  createGradientSum,
  gradientSumLength,
  type GradientSum,
  layoutParameters,
  type ParameterSpec,
  type Task,
} from '@facet/task';
import { runGeneration, type GenerationLoopOptions, type StepResult } from '../src/train/generation-loop.js';
import { allocateTrainingState, resetState, type TrainingState } from '../src/train/training-state.js';

const CLASSES = 2;
const PARAMETERS: readonly ParameterSpec[] = [
  { name: 'matrix', shape: [2], initialiser: { kind: 'constant', value: 1 }, decays: true },
  { name: 'bias', shape: [1], initialiser: { kind: 'constant', value: 0 }, decays: false },
];
const LAYOUT = layoutParameters(PARAMETERS);

/** Two epochs of three steps: two of two micro-batches, and one that holds a single sample. */
export const LOOP_CONFIG: RunConfig = {
  ...SYSTEM_TRAINING,
  ...OPERATION_DEFAULTS,
  run: 'loop',
  epochs: 2,
  samples: { train: 9, test: 3, heldOut: 0 },
  batch: { global: 4, micro: 2 },
};

export interface LoopWish {
  readonly config?: Partial<RunConfig>;
  readonly rank?: number;
  readonly split?: WorkSplit;
  /** Called when a micro-batch is computed; may write what its gradient and loss are (default: ones, and one a sample). */
  readonly onCompute?: (sum: GradientSum, compute: number) => void;
  /** Called with what was reduced, before the loop sees it. */
  readonly onReduced?: (step: number, output: Float32Array) => void;
  readonly options?: (world: LoopWorld) => Partial<GenerationLoopOptions>;
}

export interface LoopWorld {
  readonly plan: Plan;
  readonly state: TrainingState;
  /** The weights that the engine saw whenever it ran, with what it ran. */
  readonly seen: { readonly kind: 'train' | 'evaluate'; readonly weights: readonly number[] }[];
  readonly steps: StepResult[];
  readonly evaluations: { readonly step: number; readonly counts: readonly number[] }[];
  readonly reduced: number[];
  readonly abort: AbortController;
  readonly run: (start?: WorkItem) => Promise<void>;
}

export function createLoopWorld(wish: LoopWish = {}): LoopWorld {
  const config = { ...LOOP_CONFIG, ...wish.config };
  const plan = createPlan(config, { trainSamples: 9, testSamples: 3 });
  const task = loopTask(config.batch.micro);
  const weights = new Float32Array(LAYOUT.length);
  const seen: LoopWorld['seen'] = [];
  const compute = fakeCompute(task, weights, seen, wish.onCompute);
  const state = allocateTrainingState(weights, config.optimizer);
  resetState(state, Float32Array.of(1, 1, 0));
  const steps: StepResult[] = [];
  const evaluations: { step: number; counts: number[] }[] = [];
  const reduced: number[] = [];
  const abort = new AbortController();
  const allReduce: AllReduce = {
    peers: [],
    format: gradientFormat({ name: 'fp32', exactFrom: LAYOUT.length, seed: config.seed }),
    contribute: () => undefined,
    reduce(step, partials, output) {
      reduced.push(step);
      output.fill(0);
      for (const { values } of partials) addFloats(output, output, values);
      wish.onReduced?.(step, output);
      return Promise.resolve();
    },
    inlet: () => {
      throw new Error('there are no peers');
    },
    fail: () => undefined,
    bytesSent: 0,
    bytesReceived: 0,
  };
  const world: LoopWorld = {
    plan,
    state,
    seen,
    steps,
    evaluations,
    reduced,
    abort,
    run: (start = { kind: 'train', step: 1 }) =>
      runGeneration({
        config,
        plan,
        task,
        rank: wish.rank ?? 0,
        split: wish.split ?? evenSplit(1),
        start,
        compute,
        state,
        shards: shardsOf(plan),
        allReduce,
        allocate: ORDINARY_MEMORY.allocate,
        signal: abort.signal,
        lastStep: () => Number.POSITIVE_INFINITY,
        now: () => 0,
        onStep: (result) => steps.push(result),
        onEvaluation: (step, { parts }) =>
          evaluations.push({ step, counts: parts.map(({ sampleCount }) => sampleCount) }),
        ...wish.options?.(world),
      }),
  };
  return world;
}

/** A task whose functions nobody calls: the engine is fake. */
export function loopTask(microBatch: number): Task {
  const notCalled = (): never => {
    throw new Error('the fake engine calls no function of its task');
  };
  return {
    name: 'loop',
    microBatch,
    parameters: PARAMETERS,
    inputs: [],
    metrics: ['correct'],
    answer: { kind: 'class', classes: CLASSES, label: 'label' },
    predictInputs: [],
    prepare: () => undefined,
    loss: notCalled,
    predict: notCalled,
    reference: { module: import.meta.url, argument: microBatch },
  };
}

/** An engine whose every gradient is the number of samples. */
export function fakeCompute(
  task: Task,
  weights: Float32Array,
  seen: LoopWorld['seen'],
  onCompute: LoopWish['onCompute'],
): Compute {
  let computed = 0;
  const tensors = (): BatchTensors => ({ sampleWeights: new Float32Array(task.microBatch) });
  const layout = sumLayoutOf(task);
  const trainingSlot = (): TrainingSlot => {
    const sum = createGradientSum(new Float32Array(gradientSumLength(layout)), layout);
    const accounting = { count: 0, checksum: 0 };
    return {
      tensors: tensors(),
      inputGradient: undefined,
      sum,
      accounting,
      run() {
        seen.push({ kind: 'train', weights: [...weights] });
        sum.gradient.fill(accounting.count);
        sum.account({ loss: accounting.count, metrics: { correct: 1 }, ...accounting });
        onCompute?.(sum, ++computed);
        return Promise.resolve();
      },
    };
  };
  const evaluationSlot = (): EvaluationSlot => ({
    tensors: tensors(),
    outputs: { logits: new Float32Array(task.microBatch * CLASSES) },
    run() {
      seen.push({ kind: 'evaluate', weights: [...weights] });
      return Promise.resolve();
    },
  });
  return {
    layout: LAYOUT,
    weights,
    weightsChanged: () => undefined,
    programSha256: '0'.repeat(64),
    trainingSlots: [trainingSlot(), trainingSlot()],
    evaluationSlots: [evaluationSlot(), evaluationSlot()],
    close: () => Promise.resolve(),
  };
}

/** Samples that are nothing but a label, all of class 0. */
function shardsOf(plan: Plan): ShardSource {
  return {
    begin: () => undefined,
    take(item, index) {
      const ids = plan.microBatch(item, index);
      return Promise.resolve({ ids, fields: { label: new Uint8Array(ids.length) } });
    },
    backlog: 0,
    close: () => Promise.resolve(),
  };
}
