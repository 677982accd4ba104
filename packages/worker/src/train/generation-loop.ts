/**
 * What one worker does in one generation: training steps and evaluations in the order of the plan, until the run ends or
 * the signal aborts. It reads top to bottom like the protocol in docs/protocol.md.
 *
 * Invariant: an update is applied only with the whole reduced gradient in hand, and its accounting is right; between two
 * updates the state is untouched, so a generation may be abandoned at any wait.
 */
import {
  changeOfState,
  changeOfWeights,
  rangeOfRank,
  sampleChecksum,
  stepRule,
  TrainingError,
  type WorkItem,
} from '@facet/shared';
import { type AllReduce, createPartialSums, type PartialSums } from '@facet/collective';
import { sumLayoutOf, type TrainingSlot } from '@facet/engine';
import {
  createGradientSum,
  gradientSumLength,
  type Gradient,
  applyUpdate,
  learningRate,
  decayAt,
  trainedParameters,
  updateAverageOf,
  fillTensors,
} from '@facet/task';
import { evaluateShare, type EvaluationShare } from './evaluation-share.js';
import type { GenerationWork } from './generation-work.js';
import { ownFigures, type OwnFigures } from './own-figures.js';
import { settled, unwrap } from './settled.js';
import { markApplied, showWeights, type TrainingState } from './training-state.js';

export interface StepResult extends OwnFigures {
  readonly step: number;
  readonly weightsCrc: number;
  readonly momentsCrc: number;
  /** Mean over the real samples of the step. */
  readonly loss: number;
  /** The task's sums over the samples of the step, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly sampleCount: number;
  readonly sampleChecksum: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly timings: StepTimings;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Samples that this worker computed. */
  readonly localSamples: number;
  /** Gradients by the pixels that this worker took to attack them, counted per sample. */
  readonly attackGradients: number;
}

export interface StepTimings {
  readonly totalMs: number;
  /** Time with nothing to compute because the next shard had not come. */
  readonly shardWaitMs: number;
  /** With attacks, if the run attacks. */
  readonly computeMs: number;
  readonly allReduceMs: number;
  readonly updateMs: number;
}

export interface GenerationLoopOptions extends GenerationWork {
  readonly start: WorkItem;
  readonly state: TrainingState;
  readonly allReduce: AllReduce;
  /** Makes the buffers of gradients, see FloatMemory. */
  readonly allocate: (length: number) => Float32Array;
  /** After this step nothing is begun, not even its evaluation; asked before every piece of work. */
  readonly lastStep: () => number;
  readonly now: () => number;
  /** Called after every applied update, before the next step begins. */
  readonly onStep: (result: StepResult) => void;
  readonly onEvaluation: (step: number, share: EvaluationShare) => void;
}

/** Runs the generation to its last step or the end of the run; throws when it is aborted or fails. */
export async function runGeneration(options: GenerationLoopOptions): Promise<void> {
  const { plan, signal } = options;
  const step = createStepRunner(options);
  for (let item: WorkItem | undefined = options.start; item !== undefined; item = plan.next(item)) {
    throwIfAborted(signal);
    const appliedStep = item.kind === 'train' ? item.step - 1 : item.step;
    if (appliedStep >= options.lastStep()) return;
    showWeights(options.state, options.compute, item.kind);
    options.shards.begin(item);
    if (item.kind === 'train') options.onStep(await step(item));
    else options.onEvaluation(item.step, await evaluateShare(options, item));
  }
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw TrainingError.from(signal.reason, 'CANCELLED');
}

function createStepRunner(options: GenerationLoopOptions): (item: WorkItem) => Promise<StepResult> {
  const { config, plan, task, rank, split, compute, state, allReduce, allocate, signal, now } = options;
  const layout = trainedParameters(compute.layout, config.freeze);
  const sumLayout = sumLayoutOf(task);
  const length = gradientSumLength(sumLayout);
  const reduced = createGradientSum(allocate(length), sumLayout);
  const sums = createPartialSums({ length, format: allReduce.format, allocate });
  let bytesSent = 0;
  let bytesReceived = 0;

  return async (item) => {
    const startedAt = now();
    const microBatches = plan.microBatchCount(item);
    const range = rangeOfRank(microBatches, split, rank);
    const spent = await computeGradients({ options, item, range, sums, microBatches });
    throwIfAborted(signal);

    const reduceStartedAt = now();
    const contribution = await sums.finish();
    const reducing = allReduce.reduce(item.step, contribution, reduced.whole);
    // While the contribution is on its way; nothing writes to it before the next step.
    const own = ownFigures(contribution, { layout: sumLayout, slots: layout.slots });
    await reducing;
    throwIfAborted(signal);

    const updateStartedAt = now();
    const { loss, metrics, count: sampleCount, checksum } = reduced.accounting();
    checkAccounting(options, item, sampleCount, checksum);
    const changed = changeOfState(state);
    if (changed !== undefined) throw flipped(options, item, changed);
    const { optimizer, schedule } = stepRule(config, plan.stepsPerEpoch, item.step);
    const rate = learningRate(optimizer, schedule.step, schedule.totalSteps);
    const gradientNorm = applyUpdate(state, reduced.gradient, {
      config: optimizer,
      layout,
      step: item.step,
      rate,
      gradientScale: 1 / sampleCount,
    });
    if (!Number.isFinite(gradientNorm)) throw nonFinite(item.step, layout.slots, reduced.gradient);
    if (state.ema !== undefined) {
      updateAverageOf(layout.slots, state.ema, state.weights, decayAt(config.optimizer.emaDecay, item.step));
    }
    markApplied(state, item.step);
    compute.weightsChanged();
    const finishedAt = now();

    const result: StepResult = {
      ...own,
      step: item.step,
      weightsCrc: state.weightsCrc,
      momentsCrc: state.momentsCrc,
      loss: loss / sampleCount,
      metrics,
      sampleCount,
      sampleChecksum: checksum,
      gradientNorm,
      learningRate: rate,
      timings: {
        totalMs: finishedAt - startedAt,
        shardWaitMs: spent.shardWaitMs,
        computeMs: spent.computeMs,
        allReduceMs: updateStartedAt - reduceStartedAt,
        updateMs: finishedAt - updateStartedAt,
      },
      bytesSent: allReduce.bytesSent - bytesSent,
      bytesReceived: allReduce.bytesReceived - bytesReceived,
      localSamples: spent.samples,
      attackGradients: spent.attackGradients,
    };
    bytesSent = allReduce.bytesSent;
    bytesReceived = allReduce.bytesReceived;
    return result;
  };
}

interface GradientWork {
  readonly options: GenerationLoopOptions;
  readonly item: WorkItem;
  readonly range: { readonly start: number; readonly end: number };
  readonly sums: PartialSums;
  readonly microBatches: number;
}

interface SpentWork {
  readonly shardWaitMs: number;
  readonly computeMs: number;
  readonly samples: number;
  readonly attackGradients: number;
}

/** Computes this rank's micro-batches in order; the next one is prepared while the current one runs. */
async function computeGradients(work: GradientWork): Promise<SpentWork> {
  const { options, item, range, sums, microBatches } = work;
  const { compute, now, signal } = options;
  sums.begin(item.step, range, microBatches);
  let shardWaitMs = 0;
  let computeMs = 0;
  let samples = 0;
  let attackGradients = 0;
  if (range.start === range.end) return { shardWaitMs, computeMs, samples, attackGradients };

  const slotOf = (index: number): TrainingSlot => compute.trainingSlots[index % 2]!;
  const waitStartedAt = now();
  samples += await prepare(work, range.start, slotOf(range.start));
  shardWaitMs += now() - waitStartedAt;
  for (let index = range.start; index < range.end; index++) {
    if (signal.aborted) break;
    const computeStartedAt = now();
    const running = runSlot(work, index, slotOf(index));
    const preparing = index + 1 < range.end ? prepare(work, index + 1, slotOf(index + 1)) : Promise.resolve(0);
    // The run ends first even when the shard fails: nobody may touch its buffers while it writes them.
    const prepared = settled(preparing);
    // The engine is at work meanwhile, so this takes no time of the step.
    const changed = index + 1 === range.end ? changeOfWeights(options.state) : undefined;
    attackGradients += await running;
    const computedAt = now();
    computeMs += computedAt - computeStartedAt;
    samples += unwrap(await prepared);
    shardWaitMs += now() - computedAt;
    if (changed !== undefined) throw flipped(options, item, changed);
    const done = await sums.add(index, slotOf(index).sum.whole);
    // What is left is computed on another thread while this is on its way.
    if (done !== undefined) options.allReduce.contribute(item.step, done);
  }
  return { shardWaitMs, computeMs, samples, attackGradients };
}

/** Computes the gradient of a filled slot, attacked first if the run attacks; returns the gradients that the attack took. */
async function runSlot({ options, item }: GradientWork, index: number, slot: TrainingSlot): Promise<number> {
  const { config, plan, task, signal } = options;
  const { tensors, inputGradient } = slot;
  const attacked = { ids: plan.microBatch(item, index), seed: config.seed, epoch: plan.epochOf(item.step), signal };
  const { adversary } = task;
  if (adversary !== undefined && inputGradient === undefined) {
    throw new TrainingError('INTERNAL', 'the engine was opened without the attack program, but the task attacks');
  }
  const attackGradients = (await adversary?.attack(tensors, inputGradient!, attacked)) ?? 0;
  await slot.run();
  return attackGradients;
}

/** Fills a slot with one micro-batch and its accounting; returns how many real samples it holds. */
async function prepare({ options, item }: GradientWork, index: number, slot: TrainingSlot): Promise<number> {
  const { config, plan, task, shards } = options;
  const samples = await shards.take(item, index);
  const epoch = plan.epochOf(item.step);
  fillTensors(task, slot.tensors, samples, { seed: config.seed, epoch, step: item.step, index, isTraining: true });
  slot.accounting.count = samples.ids.length;
  slot.accounting.checksum = sampleChecksum(config, epoch, samples.ids);
  return samples.ids.length;
}

/** The reduced gradient must hold exactly the samples of the step; anything else would lose or repeat some silently. */
function checkAccounting(
  { config, plan }: GenerationLoopOptions,
  item: WorkItem,
  count: number,
  checksum: number,
): void {
  const expectedCount = plan.sampleCount(item);
  let expectedChecksum = 0;
  for (let index = 0; index < plan.microBatchCount(item); index++) {
    expectedChecksum += sampleChecksum(config, plan.epochOf(item.step), plan.microBatch(item, index));
  }
  if (count === expectedCount && checksum === expectedChecksum) return;
  throw new TrainingError(
    'ACCOUNTING',
    `the reduced gradient of step ${item.step} holds ${count} samples with checksum ${checksum}, expected ${expectedCount} with ${expectedChecksum}; no update was made`,
  );
}

/** Found before the gradient of wrong weights, or an update of a wrong state, reaches anybody: no step is committed with it. */
function flipped({ rank }: GenerationLoopOptions, { step }: WorkItem, changed: string): TrainingError {
  return new TrainingError(
    'DESYNC',
    `the state of rank ${rank} changed by itself between step ${step - 1} and step ${step}: ${changed}; ` +
      'take that machine out, its memory is not sound, and resume',
  );
}

function nonFinite(
  step: number,
  slots: readonly { name: string; offset: number; length: number }[],
  gradient: Gradient,
): TrainingError {
  const bad = slots.find((slot) =>
    gradient.subarray(slot.offset, slot.offset + slot.length).some((value) => !Number.isFinite(value)),
  );
  return new TrainingError(
    'NON_FINITE',
    `the gradient of step ${step} is not finite${bad === undefined ? '' : `, first in ${bad.name}`}; lower optimizer.peakLearningRate or turn on optimizer.clipNorm. No update was made`,
  );
}
