/** Assembles the report of `facet evaluate` for a task of the user's own: its figures, the curves of the run, and pictures. */
import type { NamedSource } from '@facet/datasets';
import type { RunConfig, SampleField } from '@facet/shared';
import type { TrainedWeights } from '@facet/storage';
import type { TaskEvaluation } from '../evaluation/evaluate-task.js';
import { ratesOf } from '../evaluation/rates-of-run.js';
import { readTrainingCurve, type TrainingCurve } from '../evaluation/training-curve.js';
import type { PixelImage } from '../pages/kit/png-uri.js';
import { pixelImage } from '../pages/pixel-image.js';
import type { TaskEvaluationDocument } from '../pages/task-evaluation-document.js';
import { originOf, type ReportMaker } from '../trained/report-origin.js';
import { nameOf } from './evaluation-report.js';

export interface EvaluatedTask {
  readonly made: ReportMaker;
  readonly checkpoint: TrainedWeights;
  /** Of the checkpoint. */
  readonly config: RunConfig;
  /** File with the ledger of its run; its curves are left out where there is none. */
  readonly ledger: string;
  readonly data: NamedSource;
  readonly split: RunConfig['evaluation'];
  readonly evaluation: TaskEvaluation;
}

export interface TaskEvaluationReport {
  readonly document: TaskEvaluationDocument;
  /** One for each of the worst mistakes; empty where samples are no images. */
  readonly mistakes: readonly PixelImage[];
}

/** Makes the report of an evaluation. */
export async function makeTaskEvaluationReport(evaluated: EvaluatedTask): Promise<TaskEvaluationReport> {
  const { made, checkpoint, config, ledger, data, split, evaluation } = evaluated;
  const curve = await readTrainingCurve(ledger, ratesOf(config));
  return {
    document: {
      version: 1,
      ...nameOf(checkpoint),
      ...originOf(checkpoint, { sha256: data.digest }, made),
      evaluatedWeights: checkpoint.evaluatedWeights,
      dataset: data.name,
      classes: data.classes ?? [],
      split,
      ...evaluation,
      training: curve === undefined ? null : judgedCurve(curve, evaluation),
    },
    mistakes: await picturesOf(evaluated),
  };
}

/** The ledger counts right answers for every task, and where answers are no classes none is ever right. */
function judgedCurve(curve: TrainingCurve, { accuracy }: TaskEvaluation): TrainingCurve {
  return accuracy === undefined ? { ...curve, trainAccuracy: [] } : curve;
}

async function picturesOf({ data, split, evaluation: { topMistakes = [] } }: EvaluatedTask): Promise<PixelImage[]> {
  const [name, field] = Object.entries(data.fields).find(([, each]) => isImage(each)) ?? [];
  if (name === undefined || field === undefined) return [];
  const [height, width, channels = 1] = field.shape as [number, number, number?];
  const pictures: PixelImage[] = [];
  for (const { sample } of topMistakes) {
    const read = await data.read(split === 'test' ? 'test' : 'train', [sample]);
    pictures.push(pixelImage(read[name] as Uint8Array, { height, width, channels }));
  }
  return pictures;
}

/** Grey or RGB, of bytes. */
function isImage({ type, shape }: SampleField): boolean {
  const [, , channels = 1] = shape;
  return type === 'uint8' && shape.length >= 2 && shape.length <= 3 && (channels === 1 || channels === 3);
}
