/**
 * The page of `facet evaluate`: how good the checkpoint is, how it got there, where it errs and what it looks at. A function
 * of the document and the pictures; every number on it stands in the document.
 */
import { wilsonInterval, type Interval } from '@facet/shared';
import { formatAccuracy, formatCount, formatLoss } from '../display/format.js';
import { attentionSections } from './attention-sections.js';
import type { EvaluationDocument, EvaluationPictures } from './evaluation-document.js';
import { barChart } from './kit/bar-chart.js';
import { dataTable } from './kit/data-table.js';
import { heatMap, type HeatCell } from './kit/heat-map.js';
import { html, type Html } from './kit/html.js';
import { imageGrid } from './kit/image-grid.js';
import { keyFigures } from './kit/key-figures.js';
import { lineChart } from './kit/line-chart.js';
import { pageHtml, type Section } from './kit/page.js';
import { pngUri } from './kit/png-uri.js';
import { trainingSection } from './training-section.js';

/** The whole page as text. */
export function evaluationPage(document: EvaluationDocument, pictures: EvaluationPictures): string {
  const { run, step, dataset, split, samples, training, inspection, compared } = document;
  return pageHtml({
    title: `Evaluation of ${run}`,
    lead: `Step ${formatCount(step)}, on ${formatCount(samples)} ${split} images of ${dataset}.`,
    sections: [
      { title: 'Result', content: resultFigures(document) },
      ...(training === null ? [] : [trainingSection(training, step)]),
      classSection(document),
      confusionSection(document),
      calibrationSection(document),
      ...(document.topMistakes.length === 0 ? [] : [mistakeSection(document, pictures.mistakes)]),
      ...(inspection === null
        ? []
        : attentionSections({ inspection, compared, pictures: pictures.samples, classes: document.classes })),
      { title: 'About this report', content: aboutTable(document) },
    ],
  });
}

function resultFigures({ accuracy, accuracyInterval, loss, calibration, augmented }: EvaluationDocument): Html {
  const looks = augmented === undefined ? '' : `mean over ${augmented.transforms.length} looks at each image`;
  return keyFigures([
    { label: 'Accuracy', value: formatAccuracy(accuracy), note: `95 % interval ${formatInterval(accuracyInterval)}` },
    ...(augmented === undefined
      ? []
      : [{ label: 'With test-time augmentation', value: formatAccuracy(augmented.accuracy), note: looks }]),
    { label: 'Loss', value: formatLoss(loss), note: 'cross-entropy in nats' },
    {
      label: 'Calibration error',
      value: formatAccuracy(calibration.expectedCalibrationError),
      note: 'mean gap between confidence and accuracy',
    },
    { label: 'Brier score', value: formatLoss(calibration.brierScore), note: '0 is perfect, 2 the worst' },
  ]);
}

function classSection({ classes, perClass, confusion }: EvaluationDocument): Section {
  const bars = classes.map((name, index) => {
    const value = perClass[index] ?? 0;
    return { name, value, text: `${formatAccuracy(value)} of ${formatCount(sum(confusion[index] ?? []))}` };
  });
  return {
    title: 'Accuracy of each class',
    content: barChart({
      description: `Accuracy of each class: ${bars.map(({ name, text }) => `${name} ${text}`).join(', ')}`,
      axis: { label: 'accuracy', kind: 'percent', domain: [0, 1] },
      bars,
    }),
  };
}

function confusionSection({ classes, confusion }: EvaluationDocument): Section {
  const mostWrong = Math.max(1, ...confusion.flatMap((row, truth) => row.filter((_, answer) => answer !== truth)));
  const cells = confusion.map((row, truth) =>
    row.map((count, answer): HeatCell => {
      const text = formatCount(count);
      if (answer === truth) return { text, share: count / Math.max(1, sum(row)) };
      return { text, share: Math.sqrt(count / mostWrong), tone: 'warm' };
    }),
  );
  return {
    title: 'Confusion',
    intro:
      'What images of each class were taken for. Blue: the share of the class that was right. Orange: mistakes, the strongest colour for the most frequent one.',
    content: heatMap({ caption: 'Counts of images', corner: 'true \\ answer', rows: classes, columns: classes, cells }),
  };
}

function calibrationSection({ calibration }: EvaluationDocument): Section {
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
          { name: 'this checkpoint', points },
          {
            name: 'perfect calibration',
            points: [
              { x: 0, y: 0 },
              { x: 1, y: 1 },
            ],
          },
        ],
      }),
      dataTable({
        header: ['Confidence', 'Mean confidence', 'Accuracy', 'Answers'],
        numbers: [1, 2, 3],
        rows: bins.map(({ lower, upper, confidence, accuracy, count }) => [
          `${(100 * lower).toFixed(0)} to ${(100 * upper).toFixed(0)} %`,
          formatAccuracy(confidence!),
          formatAccuracy(accuracy!),
          formatCount(count),
        ]),
      }),
    ],
  };
}

function mistakeSection(
  { topMistakes, classes, split }: EvaluationDocument,
  pictures: EvaluationPictures['mistakes'],
): Section {
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

function aboutTable(document: EvaluationDocument): Html {
  const { run, step, checkpoint, weightsSha256, evaluatedWeights, engine, compared } = document;
  const rows: (readonly [string, Html | string])[] = [
    ['Run', run],
    ['Step', formatCount(step)],
    ['Checkpoint', html`<code>${checkpoint}</code>`],
    ['Weights', evaluatedWeights === 'average' ? 'moving average' : 'of the last step'],
    ['SHA-256 of the weights', html`<code>${weightsSha256}</code>`],
    ['Computed by', engine],
    ...(compared === null
      ? []
      : [
          ['Compared with', html`<code>${compared.checkpoint}</code>, <code>${compared.weightsSha256}</code>`] as const,
        ]),
  ];
  return dataTable({ header: ['What', 'Value'], rows });
}

function formatInterval({ low, high }: Interval): string {
  return `${(100 * low).toFixed(2)} to ${formatAccuracy(high)}`;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
