/**
 * The page of `facet evaluate`: how good the checkpoint is, how it got there, where it errs and what it looks at. A function
 * of the document and the pictures; every number on it stands in the document.
 */
import { formatAccuracy, formatCount, formatLoss } from '../words/format.js';
import { intervalText } from '../words/interval.js';
import { aboutSection, checkpointFacts, code, type Fact } from './about-section.js';
import { attentionSections } from './attention-sections.js';
import type { EvaluationDocument, EvaluationPictures } from './evaluation-document.js';
import { html, type Html } from './kit/html.js';
import { keyFigures } from './kit/key-figures.js';
import { pageHtml } from './kit/page.js';
import {
  accuracyFigure,
  calibrationSection,
  classSection,
  confusionSection,
  mistakeSection,
  trustFigures,
} from './score-sections.js';
import { trainingSection } from './training-section.js';

/** The whole page as text. */
export function evaluationPage(document: EvaluationDocument, pictures: EvaluationPictures): string {
  const { run, step, dataset, split, samples, training, inspection, compared } = document;
  return pageHtml({
    title: `Evaluation of ${run}`,
    lead: `Step ${formatCount(step)}, on ${formatCount(samples)} ${split} images of ${dataset}.`,
    sections: [
      { title: 'Result', content: resultFigures(document) },
      ...(training === null ? [] : [trainingSection(training, { step, split, samples, things: 'images' })]),
      classSection(document, 'images'),
      confusionSection(document, 'images'),
      calibrationSection(document, 'images'),
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
    accuracyFigure(accuracy, accuracyInterval),
    ...(augmented === undefined
      ? []
      : [{ label: 'With test-time augmentation', value: formatAccuracy(augmented.accuracy), note: looks(augmented) }]),
    { label: 'Loss', value: formatLoss(loss), note: 'cross-entropy in nats' },
    ...trustFigures(calibration),
  ]);
}

function looks({ transforms, accuracyInterval }: NonNullable<EvaluationDocument['augmented']>): string {
  return `95 % interval ${intervalText(accuracyInterval)}; mean over ${transforms.length} looks at each image`;
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
