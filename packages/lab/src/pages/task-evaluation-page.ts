/**
 * The page of `facet evaluate` for a task of the user's own: how good the checkpoint is, how it got there and, where answers are
 * classes, where it errs. A function of the document and the pictures; every number on it stands in the document.
 */
import { formatCount, formatFigure } from '../words/format.js';
import { aboutSection, checkpointFacts } from './about-section.js';
import type { Html } from './kit/html.js';
import { keyFigures } from './kit/key-figures.js';
import { pageHtml, type Section } from './kit/page.js';
import type { PixelImage } from './kit/png-uri.js';
import {
  accuracyFigure,
  calibrationSection,
  classSection,
  confusionSection,
  mistakeSection,
  trustFigures,
} from './score-sections.js';
import type { TaskEvaluationDocument } from './task-evaluation-document.js';
import { trainingSection } from './training-section.js';

/** More classes than this make a table of what was taken for what that nobody can read. */
const MOST_CONFUSION_CLASSES = 40;

/**
 * The whole page as text.
 *
 * @param mistakes a picture for each of the document's worst mistakes; empty where samples are no images
 */
export function taskEvaluationPage(document: TaskEvaluationDocument, mistakes: readonly PixelImage[]): string {
  const { run, step, dataset, split, samples, training, evaluatedWeights, engine } = document;
  return pageHtml({
    title: `Evaluation of ${run}`,
    lead: `Step ${formatCount(step)}, on ${formatCount(samples)} ${split} samples of ${dataset}.`,
    sections: [
      { title: 'Result', content: resultFigures(document) },
      ...(training === null ? [] : [trainingSection(training, { step, split, samples, things: 'samples' })]),
      ...classSections(document, mistakes),
      aboutSection([
        ...checkpointFacts(document, 'Task'),
        ['Evaluated on', `${formatCount(samples)} ${split} samples`],
        ['Weights', evaluatedWeights === 'average' ? 'moving average' : 'of the last step'],
        ['Computed by', engine],
      ]),
    ],
  });
}

function resultFigures({ accuracy, accuracyInterval, loss, metrics, calibration }: TaskEvaluationDocument): Html {
  return keyFigures([
    ...(accuracy === undefined ? [] : [accuracyFigure(accuracy, accuracyInterval!)]),
    { label: 'Loss', value: formatFigure(loss), note: accuracy === undefined ? undefined : 'cross-entropy in nats' },
    ...Object.entries(metrics).map(([label, mean]) => ({ label, value: formatFigure(mean), note: 'mean' })),
    ...(calibration === undefined ? [] : trustFigures(calibration)),
  ]);
}

function classSections(document: TaskEvaluationDocument, mistakes: readonly PixelImage[]): Section[] {
  const { classes, split, perClass, confusion, calibration, topMistakes = [] } = document;
  if (perClass === undefined || confusion === undefined) return [];
  const scored = { classes, split, perClass, confusion };
  return [
    classSection(scored, 'samples'),
    ...(classes.length > MOST_CONFUSION_CLASSES ? [] : [confusionSection(scored, 'samples')]),
    ...(calibration === undefined ? [] : [calibrationSection({ classes, split, calibration }, 'samples')]),
    ...(mistakes.length === 0 ? [] : [mistakeSection({ classes, split, topMistakes }, mistakes)]),
  ];
}
