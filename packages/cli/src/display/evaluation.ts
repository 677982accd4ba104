/**
 * An evaluation as text: accuracy, accuracy per class, and the confusion matrix with true classes as rows.
 */
import type { Evaluation } from '@facet/worker';
import { formatAccuracy, formatCount, formatLoss } from './format.js';
import { tableLines } from './table.js';

export interface EvaluationLabels {
  readonly split: 'test' | 'held-out';
  /** Their moving average, or the last ones. */
  readonly evaluatedWeights: 'average' | 'last';
  readonly classes: readonly string[];
}

/** The lines of an evaluation. */
export function evaluationLines(
  evaluation: Evaluation,
  { split, evaluatedWeights, classes }: EvaluationLabels,
): string[] {
  const { accuracy, loss, samples, perClass, confusion, engine } = evaluation;
  const of = evaluatedWeights === 'average' ? ' of the averaged weights' : '';
  const columns = classes.map((_, index) => index);
  return [
    `${split} accuracy ${formatAccuracy(accuracy)}${of}, loss ${formatLoss(loss)}, on ${formatCount(samples)} samples, by ${engine}`,
    '',
    ...tableLines({
      header: ['class', 'accuracy', 'samples'],
      right: [1, 2],
      rows: classes.map((name, index) => [
        name,
        formatAccuracy(perClass[index] ?? Number.NaN),
        formatCount(sum(confusion[index] ?? [])),
      ]),
    }),
    '',
    ...tableLines({
      header: ['true \\ answer', ...classes],
      right: columns.map((column) => column + 1),
      rows: classes.map((name, row) => [name, ...columns.map((column) => String(confusion[row]?.[column] ?? 0))]),
    }),
  ];
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
