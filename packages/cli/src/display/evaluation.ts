/**
 * An evaluation as text: the accuracy with and without test-time augmentation, accuracy per class, the confusion matrix with
 * true classes as rows, the reliability of confidences, and the most confident mistakes.
 */
import { visibleText, type EvaluatedWeights, type RunConfig } from '@facet/shared';
import type { Evaluation, InspectionReport, Mistake, ReliabilityBin, Scores, TaskEvaluation } from '@facet/lab';
import { formatAccuracy, formatCount, formatFigure, formatLoss, intervalOf, intervalText } from '@facet/lab/data';
import { tableLines } from './table.js';

export interface EvaluationLabels {
  readonly split: RunConfig['evaluation'];
  /** Their moving average, or the last ones. */
  readonly evaluatedWeights: EvaluatedWeights;
  readonly classes: readonly string[];
}

/** Number of mistakes that are shown. JSON has more. */
const MISTAKES_SHOWN = 10;

/** The lines of an evaluation. */
export function evaluationLines(
  evaluation: Evaluation,
  { split, evaluatedWeights, classes }: EvaluationLabels,
): string[] {
  const { samples, perClass, confusion, calibration, topMistakes, augmented, engine } = evaluation;
  const of = evaluatedWeights === 'average' ? ' of the averaged weights' : '';
  const headlines = [`${split} ${headline(evaluation, of)}, on ${formatCount(samples)} images, by ${engine}`];
  if (augmented !== undefined) {
    headlines.push(`with test-time augmentation (${augmented.transforms.length} looks): ${headline(augmented)}`);
  }
  return [
    ...headlines,
    '',
    ...classLines({ perClass, confusion, classes }),
    '',
    ...reliabilityLines(calibration.bins),
    ...mistakeLines(topMistakes, { split, classes }),
  ];
}

/** The lines of an evaluation of a task of the user's own; names of its figures and classes are as somebody wrote them. */
export function taskEvaluationLines(
  evaluation: TaskEvaluation & Pick<EvaluationLabels, 'split' | 'classes'>,
): string[] {
  const { samples, loss, metrics, accuracy, accuracyInterval, perClass, confusion, split, engine } = evaluation;
  const { calibration, topMistakes = [] } = evaluation;
  const right =
    accuracy === undefined
      ? []
      : [`accuracy ${formatAccuracy(accuracy)}, 95 % interval ${intervalText(accuracyInterval!)}`];
  const figures = Object.entries(metrics).map(([name, mean]) => `${visibleText(name)} ${formatFigure(mean)}`);
  const trusted = calibration === undefined ? [] : [trustText(calibration)];
  const all = [...right, `loss ${formatFigure(loss)}`, ...figures, ...trusted].join(', ');
  const head = `${split} ${all}, on ${formatCount(samples)} samples, by ${engine}`;
  if (perClass === undefined || confusion === undefined) return [head];
  const classes = evaluation.classes.map((name) => visibleText(name));
  return [
    head,
    '',
    ...classLines({ perClass, confusion, classes }),
    ...(calibration === undefined ? [] : ['', ...reliabilityLines(calibration.bins)]),
    ...mistakeLines(topMistakes, { split, classes }),
  ];
}

function classLines({
  perClass,
  confusion,
  classes,
}: Pick<Scores, 'perClass' | 'confusion'> & Pick<EvaluationLabels, 'classes'>): string[] {
  const columns = classes.map((_, index) => index);
  return [
    ...tableLines({
      header: ['class', 'accuracy', '95 % interval', 'samples'],
      right: [1, 2, 3],
      rows: classes.map((name, index) => {
        const count = sum(confusion[index] ?? []);
        const accuracy = count === 0 ? Number.NaN : (perClass[index] ?? Number.NaN);
        return [name, formatAccuracy(accuracy), intervalOf(accuracy, count), formatCount(count)];
      }),
    }),
    '',
    ...tableLines({
      header: ['true \\ answer', ...classes],
      right: columns.map((column) => column + 1),
      rows: classes.map((name, row) => [name, ...columns.map((column) => String(confusion[row]?.[column] ?? 0))]),
    }),
  ];
}

function headline({ accuracy, accuracyInterval, loss, calibration }: Scores, of = ''): string {
  const interval = `95 % interval ${intervalText(accuracyInterval)}`;
  return `accuracy ${formatAccuracy(accuracy)}${of}, ${interval}, loss ${formatLoss(loss)}, ${trustText(calibration)}`;
}

function trustText({ expectedCalibrationError, brierScore }: Scores['calibration']): string {
  return `calibration error ${formatAccuracy(expectedCalibrationError)}, Brier score ${formatLoss(brierScore)}`;
}

/** Bins without answers are left out. */
function reliabilityLines(bins: readonly ReliabilityBin[]): string[] {
  return tableLines({
    header: ['confidence', 'mean confidence', 'accuracy', '95 % interval', 'answers'],
    right: [1, 2, 3, 4],
    rows: bins
      .filter(({ count }) => count > 0)
      .map(({ lower, upper, count, confidence, accuracy }) => [
        `${(lower * 100).toFixed(0)} to ${(upper * 100).toFixed(0)} %`,
        formatAccuracy(confidence ?? Number.NaN),
        formatAccuracy(accuracy ?? Number.NaN),
        intervalOf(accuracy ?? Number.NaN, count),
        formatCount(count),
      ]),
  });
}

function mistakeLines(
  mistakes: readonly Mistake[],
  { split, classes }: Pick<EvaluationLabels, 'split' | 'classes'>,
): string[] {
  if (mistakes.length === 0) return [];
  return [
    '',
    ...tableLines({
      header: ['worst mistake', 'true', 'answer', 'confidence'],
      right: [3],
      rows: mistakes
        .slice(0, MISTAKES_SHOWN)
        .map(({ sample, truth, answer, confidence }) => [
          `${split} sample ${sample}`,
          classes[truth] ?? String(truth),
          classes[answer] ?? String(answer),
          formatAccuracy(confidence),
        ]),
    }),
  ];
}

/** How attention corresponds between two readings of the same images; nothing where the model was not inspected. */
export function correspondenceLines(inspection: InspectionReport | null): string[] {
  const { scores = [] } = inspection?.correspondence ?? {};
  if (scores.length === 0) return [];
  return [
    '',
    ...tableLines({
      header: ['attention, read again', 'score', 'chance', 'next image'],
      right: [1, 2, 3],
      rows: scores.map(({ kind, name, score, chance, otherImages }) => [
        `${kind === 'view' ? 'through' : 'by'} ${name}`,
        score.toFixed(3),
        chance.toFixed(3),
        otherImages.toFixed(3),
      ]),
    }),
  ];
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
