/**
 * The page of `facet evaluate`: how good the checkpoint is, how it got there, where it errs and what it looks at. A function
 * of the document and the pictures; every number on it stands in the document.
 */
import { wilsonInterval } from '@facet/shared';
import { formatAccuracy, formatCount, formatLoss } from '../words/format.js';
import { intervalOf, intervalText } from '../words/interval.js';
import { aboutSection, checkpointFacts, code, type Fact } from './about-section.js';
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
      ...(training === null ? [] : [trainingSection(training, { step, split, samples })]),
      classSection(document),
      confusionSection(document),
      calibrationSection(document),
      ...(document.topMistakes.length === 0 ? [] : [mistakeSection(document, pictures.mistakes)]),
      ...(inspection === null
        ? []
        : attentionSections({ inspection, compared, pictures: pictures.samples, classes: document.classes })),
      aboutSection(aboutFacts(document)),
    ],
  });
}

function resultFigures({ accuracy, accuracyInterval, loss, calibration, augmented }: EvaluationDocument): Html {
  return keyFigures([
    { label: 'Accuracy', value: formatAccuracy(accuracy), note: `95 % interval ${intervalText(accuracyInterval)}` },
    ...(augmented === undefined
      ? []
      : [{ label: 'With test-time augmentation', value: formatAccuracy(augmented.accuracy), note: looks(augmented) }]),
    { label: 'Loss', value: formatLoss(loss), note: 'cross-entropy in nats' },
    {
      label: 'Calibration error',
      value: formatAccuracy(calibration.expectedCalibrationError),
      note: 'mean gap between confidence and accuracy',
    },
    { label: 'Brier score', value: formatLoss(calibration.brierScore), note: '0 is perfect, 2 the worst' },
  ]);
}

function looks({ transforms, accuracyInterval }: NonNullable<EvaluationDocument['augmented']>): string {
  return `95 % interval ${intervalText(accuracyInterval)}; mean over ${transforms.length} looks at each image`;
}

function classSection({ classes, perClass, confusion, split }: EvaluationDocument): Section {
  const bars = classes.map((name, index) => {
    const value = perClass[index] ?? 0;
    const count = sum(confusion[index] ?? []);
    const text = `${formatAccuracy(value)} of ${formatCount(count)} (${intervalOf(value, count)})`;
    return { name, value, text: count === 0 ? 'no images' : text };
  });
  return {
    title: 'Accuracy of each class',
    intro: 'Of how many images, and in brackets the 95 % interval.',
    content: barChart({
      description: `Accuracy of each class: ${bars.map(({ name, text }) => `${name} ${text}`).join(', ')}`,
      axis: { label: 'accuracy', kind: 'percent', domain: [0, 1] },
      bars,
      tone: split,
    }),
  };
}

function confusionSection({ classes, confusion, split }: EvaluationDocument): Section {
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
    intro:
      'What images of each class were taken for. On the diagonal is what was right, stronger for a larger share of its class. Orange, off the diagonal, are mistakes, the strongest colour for the most frequent one.',
    content: heatMap({ caption: 'Counts of images', corner: 'true \\ answer', rows: classes, columns: classes, cells }),
  };
}

function calibrationSection({ calibration, split }: EvaluationDocument): Section {
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
          { name: `this checkpoint, ${split} images`, tone: split, points },
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

function aboutFacts(document: EvaluationDocument): Fact[] {
  const { samples, split, evaluatedWeights, engine, compared } = document;
  return [
    ...checkpointFacts(document),
    ['Evaluated on', `${formatCount(samples)} ${split} images`],
    ['Weights', evaluatedWeights === 'average' ? 'moving average' : 'of the last step'],
    ['Computed by', engine],
    ...(compared === null
      ? []
      : [['Compared with', html`${code(compared.checkpoint)}, ${code(compared.weightsSha256)}`] as const]),
  ];
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
