/**
 * How the run got to its result: loss, accuracy, the task's own figures and the learning rate over its epochs.
 */
import { wilsonInterval, type RunConfig } from '@facet/shared';
import { formatAccuracy, formatCount } from '../words/format.js';
import type { Things } from './score-sections.js';
import type { EvaluationPoint, TrainingCurve } from '../evaluation/training-curve.js';
import type { Axis } from './kit/axis.js';
import type { Html } from './kit/html.js';
import { lineChart, type LinePoint, type LineSeries } from './kit/line-chart.js';
import type { Section } from './kit/page.js';

export interface EvaluatedStep {
  /** The step of the checkpoint that is evaluated. */
  readonly step: number;
  readonly split: RunConfig['evaluation'];
  /** Samples of this split: how wide the intervals of its accuracies are. */
  readonly samples: number;
  /** What its samples are called. */
  readonly things: Things;
}

/** An evaluation of a task whose answers are classes. */
type JudgedPoint = EvaluationPoint & { readonly accuracy: number };

/** The section about the training of a checkpoint. */
export function trainingSection(curve: TrainingCurve, evaluated: EvaluatedStep): Section {
  const { steps, stepsPerEpoch, loss, learningRate, evaluations, trainAccuracy, trainMetrics } = curve;
  const { things } = evaluated;
  const epochOf = (step: number): number => step / stepsPerEpoch;
  const x: Axis = { label: 'epoch', kind: 'whole', domain: [0, Math.max(1, Math.ceil(epochOf(steps)))] };
  const training = (points: LinePoint[]): LineSeries[] =>
    points.length === 0 ? [] : [{ name: 'training', tone: 'training', points }];
  const judged = evaluations.filter((point): point is JudgedPoint => point.accuracy !== undefined);
  const accuracies = [
    ...training(trainAccuracy.map(({ step, accuracy }) => ({ x: epochOf(step), y: accuracy }))),
    ...evaluatedSeries(judged, ({ step, split, accuracy }) => ({
      ...{ x: epochOf(step), y: accuracy },
      ...(split === evaluated.split && wilsonInterval(accuracy, evaluated.samples)),
    })),
  ];
  const metricChart = (name: string): Html => {
    const measured = evaluations.filter(({ metrics }) => metrics?.[name] !== undefined);
    return lineChart({
      description: `${name} over epochs`,
      x,
      y: { label: name },
      series: [
        ...training((trainMetrics[name] ?? []).map(({ step, mean: y }) => ({ x: epochOf(step), y }))),
        ...evaluatedSeries(measured, ({ step, metrics }) => ({ x: epochOf(step), y: metrics![name]! })),
      ],
    });
  };
  return {
    title: 'Training',
    intro: `${formatCount(steps)} committed steps, ${formatCount(stepsPerEpoch)} in an epoch, from the run's ledger; this checkpoint is that of step ${formatCount(evaluated.step)}. The training's own curves are means over stretches of steps, on ${things} as they were trained on; with augmentation, label smoothing or mixed ${things} they are not comparable with the other curves. The band of the loss reaches from the least to the greatest of a stretch.`,
    content: [
      lineChart({
        description: `Loss over epochs, ${formatCount(loss.length)} stretches of steps`,
        x,
        y: { label: 'loss' },
        series: [
          ...training(loss.map(({ step, mean: y, low, high }) => ({ x: epochOf(step), y, low, high }))),
          ...evaluatedSeries(evaluations, (point) => ({ x: epochOf(point.step), y: point.loss })),
        ],
      }),
      accuracies.length === 0 ? undefined : accuracyChart(accuracies, x, captionOf(judged, curve, things)),
      metricNames(curve).map(metricChart),
      lineChart({
        description: 'Learning rate over epochs',
        caption: 'Learning rate: it follows from the configuration and the step.',
        x,
        y: { label: 'learning rate' },
        series: training(learningRate.map(({ step, rate }) => ({ x: epochOf(step), y: rate }))),
      }),
    ],
  };
}

/** One line for every split that was evaluated. */
function evaluatedSeries<Point extends EvaluationPoint>(
  evaluations: readonly Point[],
  pointOf: (point: Point) => LinePoint,
): LineSeries[] {
  return [...new Set(evaluations.map(({ split }) => split))].map((split) => ({
    name: split,
    tone: split,
    points: evaluations.filter((each) => each.split === split).map(pointOf),
  }));
}

/** The task's own figures, in the order in which the ledger has them. */
function metricNames({ trainMetrics, evaluations }: TrainingCurve): string[] {
  return [
    ...new Set([...Object.keys(trainMetrics), ...evaluations.flatMap(({ metrics = {} }) => Object.keys(metrics))]),
  ];
}

function accuracyChart(series: readonly LineSeries[], x: Axis, caption: string | undefined): Html {
  return lineChart({
    description: `Accuracy over epochs: ${series.map(({ name }) => name).join(', ')}`,
    ...(caption !== undefined && { caption }),
    x,
    y: { label: 'accuracy', kind: 'percent' },
    series,
  });
}

function captionOf(
  judged: readonly JudgedPoint[],
  { stepsPerEpoch }: TrainingCurve,
  things: Things,
): string | undefined {
  const last = judged.at(-1);
  if (last === undefined) return undefined;
  const best = judged.reduce((most, each) => (each.accuracy > most.accuracy ? each : most));
  const when = `after step ${formatCount(best.step)} (epoch ${formatCount(Math.ceil(best.step / stepsPerEpoch))})`;
  return `Accuracy on the ${last.split} ${things}: last ${formatAccuracy(last.accuracy)}, best ${formatAccuracy(best.accuracy)} ${when}. Bands are 95 % intervals.`;
}
