/**
 * How the run got to its result: loss and accuracy over its steps.
 */
import { formatAccuracy, formatCount } from '../display/format.js';
import type { EvaluationPoint, TrainingCurve } from '../runs/training-curve.js';
import type { Html } from './kit/html.js';
import { lineChart, type LineSeries } from './kit/line-chart.js';
import type { Section } from './kit/page.js';

/** @param step the step of the checkpoint that is evaluated */
export function trainingSection({ steps, loss, evaluations }: TrainingCurve, step: number): Section {
  const splits = [...new Set(evaluations.map(({ split }) => split))];
  const seriesOf = (value: (point: EvaluationPoint) => number): LineSeries[] =>
    splits.map((split) => ({
      name: split,
      points: evaluations.filter((each) => each.split === split).map((each) => ({ x: each.step, y: value(each) })),
    }));
  const training = { name: 'training', points: loss.map(({ step: x, mean: y, low, high }) => ({ x, y, low, high })) };
  const x = { label: 'step', domain: [0, Math.max(steps, 1)] as const };
  return {
    title: 'Training',
    intro: `${formatCount(steps)} committed steps, from the run's ledger; this checkpoint is that of step ${formatCount(step)}. The training loss is a mean over stretches of steps, the band reaches from the least to the greatest; with label smoothing or mixed images it is not comparable with the other.`,
    content: [
      lineChart({
        description: 'Loss over steps',
        x,
        y: { label: 'loss' },
        series: [training, ...seriesOf((point) => point.loss)],
      }),
      evaluations.length < 2 ? undefined : accuracyChart(evaluations, { x, series: seriesOf((p) => p.accuracy) }),
    ],
  };
}

function accuracyChart(
  evaluations: readonly EvaluationPoint[],
  { x, series }: { readonly x: Parameters<typeof lineChart>[0]['x']; readonly series: readonly LineSeries[] },
): Html {
  const last = evaluations.at(-1)!;
  const best = evaluations.reduce((most, each) => (each.accuracy > most.accuracy ? each : most));
  return lineChart({
    description: 'Accuracy over steps',
    caption: `Accuracy on the ${last.split} images: last ${formatAccuracy(last.accuracy)}, best ${formatAccuracy(best.accuracy)} after step ${formatCount(best.step)}.`,
    x,
    y: { label: 'accuracy', kind: 'percent' },
    series,
  });
}
