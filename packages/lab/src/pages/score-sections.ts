/** The sections of a report about answers that are classes. */
import { wilsonInterval, type Interval, type RunConfig } from '@facet/shared';
import type { Scores } from '../evaluation/scores.js';
import { formatAccuracy, formatCount, formatLoss } from '../words/format.js';
import { intervalOf, intervalText } from '../words/interval.js';
import { barChart } from './kit/bar-chart.js';
import { dataTable } from './kit/data-table.js';
import { heatMap, type HeatCell } from './kit/heat-map.js';
import { imageGrid } from './kit/image-grid.js';
import type { KeyFigure } from './kit/key-figures.js';
import { lineChart } from './kit/line-chart.js';
import type { Section } from './kit/page.js';
import { pngUri, type PixelImage } from './kit/png-uri.js';

/** What samples are called on a page. */
export type Things = 'images' | 'samples';

interface OfSplit {
  /** Names in label order. */
  readonly classes: readonly string[];
  readonly split: RunConfig['evaluation'];
}

type Scored = OfSplit & Pick<Scores, 'perClass' | 'confusion'>;
type Trusted = OfSplit & Pick<Scores, 'calibration'>;
type Mistaken = OfSplit & Pick<Scores, 'topMistakes'>;

/** The accuracy with its interval. */
export function accuracyFigure(accuracy: number, interval: Interval): KeyFigure {
  return { label: 'Accuracy', value: formatAccuracy(accuracy), note: `95 % interval ${intervalText(interval)}` };
}

/** How far the probabilities can be trusted. */
export function trustFigures({ expectedCalibrationError, brierScore }: Scores['calibration']): KeyFigure[] {
  return [
    {
      label: 'Calibration error',
      value: formatAccuracy(expectedCalibrationError),
      note: 'mean gap between confidence and accuracy',
    },
    { label: 'Brier score', value: formatLoss(brierScore), note: '0 is perfect, 2 the worst' },
  ];
}

/** How often each class is recognised. */
export function classSection({ classes, perClass, confusion, split }: Scored, things: Things): Section {
  const bars = classes.map((name, index) => {
    const value = perClass[index] ?? 0;
    const count = sum(confusion[index] ?? []);
    const text = `${formatAccuracy(value)} of ${formatCount(count)} (${intervalOf(value, count)})`;
    return { name, value, text: count === 0 ? `no ${things}` : text };
  });
  return {
    title: 'Accuracy of each class',
    intro: `Of how many ${things}, and in brackets the 95 % interval.`,
    content: barChart({
      description: `Accuracy of each class: ${bars.map(({ name, text }) => `${name} ${text}`).join(', ')}`,
      axis: { label: 'accuracy', kind: 'percent', domain: [0, 1] },
      bars,
      tone: split,
    }),
  };
}

/** What was taken for what. */
export function confusionSection({ classes, confusion, split }: Scored, things: Things): Section {
  const mostWrong = Math.max(1, ...confusion.flatMap((row, truth) => row.filter((_, answer) => answer !== truth)));
  const cells = confusion.map((row, truth) =>
    row.map((count, answer): HeatCell => {
      const text = formatCount(count);
      if (answer === truth) return { text, share: count / Math.max(1, sum(row)), tone: split };
      return { text, share: Math.sqrt(count / mostWrong), tone: 'warm' };
    }),
  );
  return {
    title: 'Confusion',
    intro: `What ${things} of each class were taken for. On the diagonal is what was right, stronger for a larger share of its class. Orange, off the diagonal, are mistakes, the strongest colour for the most frequent one.`,
    content: heatMap({
      caption: `Counts of ${things}`,
      corner: 'true \\ answer',
      rows: classes,
      columns: classes,
      cells,
    }),
  };
}

/** Whether the model is as often right as it says. */
export function calibrationSection({ calibration, split }: Trusted, things: Things): Section {
  const bins = calibration.bins.filter(({ count }) => count > 0);
  const points = bins.map(({ confidence, accuracy, count }) => {
    return { x: confidence!, y: accuracy!, ...wilsonInterval(accuracy!, count) };
  });
  return {
    title: 'Calibration',
    intro:
      'Whether a model that says 90 % is right nine times out of ten. Above the dashed line it is more often right than it says, below it less often. The band is the 95 % interval of each bin.',
    content: [
      lineChart({
        description: `Reliability diagram: accuracy over confidence; the mean gap is ${formatAccuracy(calibration.expectedCalibrationError)}`,
        x: { label: 'confidence', kind: 'percent', domain: [0, 1] },
        y: { label: 'accuracy', kind: 'percent', domain: [0, 1] },
        series: [
          { name: `this checkpoint, ${split} ${things}`, tone: split, points },
          {
            name: 'perfect calibration',
            tone: 'neutral',
            points: [
              { x: 0, y: 0 },
              { x: 1, y: 1 },
            ],
          },
        ],
      }),
      dataTable({
        header: ['Confidence', 'Mean confidence', 'Accuracy', '95 % interval', 'Answers'],
        numbers: [1, 2, 3, 4],
        rows: bins.map(({ lower, upper, confidence, accuracy, count }) => [
          `${(100 * lower).toFixed(0)} to ${(100 * upper).toFixed(0)} %`,
          formatAccuracy(confidence!),
          formatAccuracy(accuracy!),
          intervalOf(accuracy!, count),
          formatCount(count),
        ]),
      }),
    ],
  };
}

/** Pictures of the worst mistakes; one for each of them. */
export function mistakeSection({ topMistakes, classes, split }: Mistaken, pictures: readonly PixelImage[]): Section {
  const images = topMistakes.map(({ sample, truth, answer, confidence }, i) => {
    const picture = pictures[i]!;
    const [truthName, answerName] = [classes[truth] ?? String(truth), classes[answer] ?? String(answer)];
    return {
      source: pngUri(picture),
      alt: `${split} image ${sample}, labelled ${truthName}, taken for ${answerName}`,
      caption: [
        `${truthName}, taken for ${answerName}`,
        `${formatAccuracy(confidence)} sure`,
        `${split} image ${sample}`,
      ],
    };
  });
  return {
    title: 'Worst mistakes',
    intro: 'The wrong answers that the model was surest of: here either the model or the label is badly wrong.',
    content: imageGrid({ images, width: 4 * (pictures[0]?.width ?? 32) }),
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
