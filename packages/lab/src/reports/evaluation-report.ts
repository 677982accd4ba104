/**
 * Assembles the report of `facet evaluate`: the numbers, the curves of the run, what the model looks at, and the pictures of
 * the page. If the model cannot be inspected here, the report still has its numbers.
 */
import type { TrainedWeights } from '@facet/storage';
import { gatherSamples, type Dataset } from '@facet/datasets';
import { TrainingError, type RunConfig } from '@facet/shared';
import type { ModelInspection } from '../inspection/inspect-model.js';
import type { Evaluation } from '../evaluation/evaluate-weights.js';
import type { CheckpointName, EvaluationDocument, EvaluationPictures } from '../pages/evaluation-document.js';
import type { PixelImage } from '../pages/kit/png-uri.js';
import { pixelImage } from '../pages/pixel-image.js';
import { configOf } from '../trained/stored-config.js';
import { originOf, type ReportMaker } from '../trained/report-origin.js';
import { comparedModel, modelFor } from '../trained/trained-model.js';
import { ratesOf } from '../evaluation/rates-of-run.js';
import { readTrainingCurve } from '../evaluation/training-curve.js';

export interface EvaluatedCheckpoint {
  readonly made: ReportMaker;
  readonly checkpoint: TrainedWeights;
  /** File with the ledger of its run; its curves are left out where there is none. */
  readonly ledger: string;
  /** Another checkpoint whose attention is compared. */
  readonly compared: TrainedWeights | undefined;
  readonly dataset: Dataset;
  readonly split: RunConfig['evaluation'];
  readonly evaluation: Evaluation;
  /** 0 takes all cores. */
  readonly threads: number;
}

export interface EvaluationReport {
  readonly document: EvaluationDocument;
  readonly pictures: EvaluationPictures;
  /** What is left out, and why. */
  readonly warnings: readonly string[];
}

/** Makes the report of an evaluation. */
export async function makeEvaluationReport(evaluated: EvaluatedCheckpoint): Promise<EvaluationReport> {
  const { checkpoint, compared, dataset, split, evaluation, made, ledger } = evaluated;
  const { inspection, warnings } = await tryInspection(evaluated);
  return {
    document: {
      version: 1,
      ...nameOf(checkpoint),
      ...originOf(checkpoint, dataset, made),
      evaluatedWeights: checkpoint.evaluatedWeights,
      dataset: dataset.name,
      classes: dataset.classes,
      split,
      ...evaluation,
      training: (await readTrainingCurve(ledger, ratesOf(configOf(checkpoint)))) ?? null,
      inspection: inspection?.report ?? null,
      compared: compared === undefined ? null : nameOf(compared),
    },
    pictures: picturesOf(evaluated, inspection),
    warnings,
  };
}

/** A checkpoint by everything that it is known by. */
export function nameOf({ info, path: folder, weightsSha256 }: TrainedWeights): CheckpointName {
  return { run: info.run, step: info.step, checkpoint: folder, weightsSha256 };
}

/** Only onnxruntime can inspect a model. If it does not run here, the report is made without this part. */
async function tryInspection(
  evaluated: EvaluatedCheckpoint,
): Promise<{ readonly inspection: ModelInspection | undefined; readonly warnings: readonly string[] }> {
  const { checkpoint, compared, dataset, split, evaluation, threads } = evaluated;
  const { inspectModel } = await import('../inspection/inspect-model.js');
  try {
    const inspection = await inspectModel({
      model: modelFor(checkpoint, dataset),
      dataset,
      split,
      mistakes: evaluation.topMistakes.map(({ sample }) => sample),
      compared: compared && comparedModel(compared, dataset),
      threads,
    });
    return { inspection, warnings: [] };
  } catch (caught) {
    const error = TrainingError.from(caught);
    if (error.code !== 'ENGINE_UNAVAILABLE') throw error;
    return { inspection: undefined, warnings: [`what the model looks at is left out: ${error.message}`] };
  }
}

function picturesOf(
  { dataset, split, evaluation }: EvaluatedCheckpoint,
  inspection: ModelInspection | undefined,
): EvaluationPictures {
  const source = split === 'test' ? dataset.test : dataset.train;
  const pictureOf = (sample: number): PixelImage =>
    pixelImage(gatherSamples(source, Uint32Array.of(sample)).pixels, dataset.image);
  const samples = (inspection?.report.samples ?? []).map(({ sample }, i) => ({
    image: pictureOf(sample),
    views: (inspection?.pictures[i] ?? []).map((pixels) => pixelImage(pixels, dataset.image)),
  }));
  return { mistakes: evaluation.topMistakes.map(({ sample }) => pictureOf(sample)), samples };
}
