/**
 * The whole evaluation of a model's robustness, in this process and without a cluster: what `facet robustness` does. Runs
 * the clean evaluation, the planned attacks, the curve over eps, the sanity checks and the corruptions, on one choice of
 * test samples.
 */
import { datasetDefinition, type ParameterLayout } from '@facet/shared';
import type { MultiView } from '@facet/multiview/config';
import type { Dataset } from '@facet/datasets';
import type { EngineId } from '@facet/engine';
import { defaultEps, planAttacks, type AttackChoice, type Oracle, type AttackSamples } from '@facet/multiview';
import { requireSameLayout, scoreLogits } from '@facet/task';
import { createAttackCompute } from './attack-compute.js';
import { attackedExamples, type AttackedExamples } from './attacked-examples.js';
import { evaluateCorruptions, type CorruptionChoice } from './evaluate-corruptions.js';
import type { AttackReport, EpsCurve, RobustnessReport } from './report.js';
import { measureCurve, runAttack, type AttackContext, type FinishedAttack } from './run-attack.js';
import { chooseIds, samplesOf } from './samples.js';
import { runSanityChecks } from './sanity-checks.js';

export interface RobustnessOptions {
  readonly config: MultiView;
  /** Flat weights and where each parameter lies in them, as a checkpoint stores them. */
  readonly weights: Float32Array;
  readonly layout: readonly ParameterLayout[];
  readonly dataset: Dataset;
  /** Only onnxruntime attacks. */
  readonly engine: EngineId;
  readonly threads: number;
  /** Test samples to use; all of them when there are no more. */
  readonly samples: number;
  /** Chooses the samples and every random number of attacks and corruptions. */
  readonly seed: number;
  readonly attacks: AttackChoice;
  readonly corruptions: CorruptionChoice;
  readonly onProgress: (progress: RobustnessProgress) => void;
  /** Takes a few attacked images to look at; not called when no attack was asked for. */
  readonly onExamples?: (examples: readonly AttackedExamples[]) => void;
}

/** Where an evaluation is. */
export interface RobustnessProgress {
  /** The attack or corruption at work. */
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  /** Samples of this attack still read correctly; absent for corruptions. */
  readonly survivors?: number;
}

/**
 * Evaluates the robustness of weights.
 *
 * @throws TrainingError CHECKPOINT_INCOMPATIBLE when the weights belong to another model; ENGINE_UNAVAILABLE when the
 *   device does not work here; CONFIG_INVALID and DATASET_INVALID as {@link evaluateCorruptions} does.
 */
export async function evaluateRobustness(options: RobustnessOptions): Promise<RobustnessReport> {
  const { config, dataset, engine, threads } = options;
  const compute = await createAttackCompute({
    shape: {
      image: dataset.image,
      classes: dataset.classes.length,
      config: config.task.options.model,
      microBatch: config.batch.micro,
      labelSmoothing: 0,
    },
    engine,
    threads,
  });
  try {
    requireSameLayout(compute.layout.slots, options.layout);
    compute.weights.set(options.weights);
    return await evaluateOracle(compute, options);
  } finally {
    await compute.close();
  }
}

async function evaluateOracle(oracle: Oracle, options: RobustnessOptions): Promise<RobustnessReport> {
  const { config, dataset, seed, attacks: choice, corruptions, onProgress } = options;
  const startedAt = performance.now();
  const ids = chooseIds(dataset.test.count, options.samples, seed);
  const samples = samplesOf(dataset.test, dataset.image, ids);
  const clean = await evaluateClean(oracle, samples);
  const context: AttackContext = {
    oracle,
    samples,
    seed,
    onProgress: (stage, { done, total, survivors }) => {
      onProgress({ stage, done, total, survivors });
    },
  };

  const { family } = datasetDefinition(config.dataset);
  const plan = planAttacks(family, choice);
  const finished: FinishedAttack[] = [];
  for (const attack of plan) finished.push(await runAttack(context, attack));
  if (plan.length > 0) options.onExamples?.(await attackedExamples(oracle, samples, finished));
  const curves: EpsCurve[] = [];
  for (const norm of plan.length === 0 ? [] : choice.norms) {
    const eps = choice.eps ?? defaultEps(family, norm);
    curves.push(await measureCurve(context, { norm, eps, cleanAccuracy: clean.accuracy }));
  }
  const checks = plan.length === 0 ? [] : await runSanityChecks(context, finished, plan);
  const corruptionsReport = await evaluateCorruptions(
    {
      oracle,
      samples,
      set: family,
      seed,
      onProgress: (stage, done, total) => {
        onProgress({ stage, done, total });
      },
    },
    corruptions,
  );
  return {
    version: 1,
    dataset: dataset.name,
    samples: ids.length,
    seed,
    clean,
    attacks: finished.map(({ report }): AttackReport => report),
    worstCase: plan.length === 0 ? [] : choice.norms.map((norm) => worstCaseOf(norm, finished)),
    curves,
    checks,
    corruptions: corruptionsReport,
    seconds: (performance.now() - startedAt) / 1000,
  };
}

async function evaluateClean(oracle: Oracle, { images, labels }: AttackSamples): Promise<RobustnessReport['clean']> {
  const { classes } = oracle;
  const confusion = new Uint32Array(classes * classes);
  const lossSum = scoreLogits({ logits: await oracle.logits(images), labels, classes, confusion });
  const right = confusion.reduce((sum, n, at) => (at % (classes + 1) === 0 ? sum + n : sum), 0);
  return { accuracy: right / labels.length, loss: lossSum / labels.length };
}

function worstCaseOf(
  norm: AttackReport['norm'],
  finished: readonly FinishedAttack[],
): RobustnessReport['worstCase'][number] {
  const ofNorm = finished.filter(({ report }) => report.norm === norm);
  const { eps } = ofNorm[0]!.report;
  const fallen = ofNorm[0]!.result.isBroken.map((_, i) => Math.max(...ofNorm.map(({ result }) => result.isBroken[i]!)));
  return { norm, eps, accuracy: 1 - fallen.reduce((sum, broken) => sum + broken, 0) / fallen.length };
}
