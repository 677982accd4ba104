/**
 * The page of `facet robustness`: what is left of the accuracy under attacks and corruptions, and whether the numbers can be
 * believed. A function of the document and the pictures; every number on it stands in the document or is an interval of one.
 */
import type { AttackReport, RobustnessReport, SanityCheck } from '../robustness/report.js';
import { wilsonInterval } from '@facet/shared';
import { cellNote, intervalOf, meanNote } from '../words/interval.js';
import { formatAccuracy, formatCount, formatLoss, formatPercent, formatSeconds } from '../words/format.js';
import { describeMethod, formatEps, summariseChecks, VERDICT_WORDS } from '../robustness/robustness-words.js';
import type { ReportOrigin } from '../trained/report-origin.js';
import { aboutSection, checkpointFacts, type Fact } from './about-section.js';
import type { CheckpointName } from './evaluation-document.js';
import { dataTable } from './kit/data-table.js';
import { heatMap } from './kit/heat-map.js';
import { html, type Html, type HtmlPart } from './kit/html.js';
import { imageGrid } from './kit/image-grid.js';
import { keyFigures } from './kit/key-figures.js';
import { lineChart, type LineSeries } from './kit/line-chart.js';
import { pageHtml, type Section } from './kit/page.js';
import { pngUri, type PixelImage } from './kit/png-uri.js';

export interface RobustnessDocument extends RobustnessReport, CheckpointName, ReportOrigin {}

/** A few images as an attack left them. */
export interface AttackedPictures {
  /** Which attack, such as `pgd linf`. */
  readonly attack: string;
  readonly pictures: readonly {
    readonly clean: PixelImage;
    readonly attacked: PixelImage;
    /** Names of the classes. */
    readonly truth: string;
    readonly answer: string;
  }[];
}

/** The whole page as text. */
export function robustnessPage(document: RobustnessDocument, attacked: readonly AttackedPictures[]): string {
  const { run, step, samples, dataset, attacks, corruptions } = document;
  return pageHtml({
    title: `Robustness of ${run}`,
    lead: `Step ${formatCount(step)}, on ${formatCount(samples)} test images of ${dataset}.`,
    sections: [
      { title: 'Result', content: resultFigures(document) },
      ...(attacks.length === 0 ? [] : [attackSection(document), curveSection(document), checkSection(document.checks)]),
      ...(attacked.length === 0 ? [] : [pictureSection(attacked)]),
      ...(corruptions === null ? [] : [corruptionSection(corruptions, samples)]),
      aboutSection(aboutFacts(document)),
    ],
  });
}

function resultFigures({ clean, samples, worstCase, corruptions, checks }: RobustnessDocument): Html {
  const { verdict, note } = summariseChecks(checks);
  return keyFigures([
    { label: 'Clean accuracy', value: formatAccuracy(clean.accuracy), note: intervalNote(clean.accuracy, samples) },
    ...worstCase.map(({ norm, eps, accuracy }) => ({
      label: `Under all attacks, ${norm}, eps ${formatEps(eps)}`,
      value: formatAccuracy(accuracy),
      note: intervalNote(accuracy, samples),
    })),
    ...(corruptions === null
      ? []
      : [
          {
            label: 'Mean over corruptions',
            value: formatAccuracy(corruptions.meanAccuracy),
            note: `${corruptions.results.length} corruptions; ${meanNote(corruptions.meanAccuracy, samples)}`,
          },
        ]),
    ...(checks.length === 0 ? [] : [{ label: 'Sanity checks', value: verdict, note }]),
  ]);
}

function attackSection({ attacks, worstCase, samples, clean }: RobustnessDocument): Section {
  const rows: HtmlPart[][] = [
    ['none', '', '', '', formatAccuracy(clean.accuracy), intervalOf(clean.accuracy, samples), '', ''],
    ...attacks.map(({ name, norm, eps, method, accuracy, meanMargin, seconds }) => [
      name,
      norm,
      formatEps(eps),
      describeMethod(method),
      formatAccuracy(accuracy),
      intervalOf(accuracy, samples),
      meanMargin.toFixed(2),
      formatSeconds(seconds),
    ]),
    ...worstCase.map(({ norm, eps, accuracy }) => [
      html`<strong>all of them</strong>`,
      norm,
      formatEps(eps),
      '',
      html`<strong>${formatAccuracy(accuracy)}</strong>`,
      intervalOf(accuracy, samples),
      '',
      '',
    ]),
  ];
  return {
    title: 'Attacks',
    intro:
      'The share of images that are still read correctly. The margin is the best wrong logit minus the true one, in the mean: above 0 is wrong. The number to quote is that of all attacks together.',
    content: dataTable({
      header: ['Attack', 'Norm', 'Eps', 'How', 'Accuracy', '95 % interval', 'Margin', 'Time'],
      numbers: [2, 4, 5, 6, 7],
      rows,
    }),
  };
}

function curveSection({ curves, attacks, samples }: RobustnessDocument): Section {
  return {
    title: 'Accuracy over the size of the ball',
    intro:
      'The curve is PGD with the margin loss, without an attack at 0; its band is the 95 % interval. Hollow marks are the attacks of the table at their size. An honest curve falls to zero.',
    content: curves.map(({ norm, steps, points }) => {
      const curve: LineSeries = {
        name: `PGD, margin loss, ${steps} steps`,
        tone: 'attacked',
        points: points.map(({ eps, accuracy }) => ({ x: eps, y: accuracy, ...wilsonInterval(accuracy, samples) })),
      };
      const single = attacks.filter((attack) => attack.norm === norm).map(attackPoint);
      return lineChart({
        description: `Accuracy over eps in ${norm}: ${points.map(({ eps, accuracy }) => `${formatEps(eps)} ${formatPercent(accuracy)}`).join(', ')}`,
        caption: `Norm ${norm}.`,
        x: { label: `eps, ${norm}` },
        y: { label: 'accuracy', kind: 'percent', domain: [0, 1] },
        series: [curve, ...single],
      });
    }),
  };
}

function attackPoint({ name, eps, accuracy }: AttackReport): LineSeries {
  return { name, tone: 'attacked', points: [{ x: eps, y: accuracy }] };
}

function checkSection(checks: readonly SanityCheck[]): Section {
  const verdicts = { pass: 'good', fail: 'bad', skipped: 'note' } as const;
  return {
    title: 'Sanity checks',
    intro: 'Claims that an honest evaluation fulfils. A failed one says not to believe the numbers above.',
    content: dataTable({
      header: ['Check', 'Norm', 'Verdict', 'Claim', 'Numbers'],
      rows: checks.map(({ name, norm, verdict, claim, detail }) => [
        name,
        norm ?? '',
        html`<span class="${verdicts[verdict]}">${VERDICT_WORDS[verdict]}</span>`,
        claim,
        detail,
      ]),
    }),
  };
}

function pictureSection(attacked: readonly AttackedPictures[]): Section {
  return {
    title: 'Attacked images',
    intro: 'The first images, as they are and as the attack left them, with what they are then taken for.',
    content: attacked.map(({ attack, pictures }) => {
      const width = 3 * (pictures[0]?.clean.width ?? 32);
      const clean = pictures.map((each) => ({
        source: pngUri(each.clean),
        alt: `clean image of the class ${each.truth}`,
        caption: [each.truth, 'clean'],
      }));
      const after = pictures.map((each) => ({
        source: pngUri(each.attacked),
        alt: `image of the class ${each.truth} after ${attack}, taken for ${each.answer}`,
        caption: [`taken for ${each.answer}`, 'attacked'],
      }));
      return html`<h3>${attack}</h3>
        ${imageGrid({ width, images: clean })} ${imageGrid({ width, images: after })}`;
    }),
  };
}

function corruptionSection(
  { source, results, meanAccuracy, meanError }: NonNullable<RobustnessReport['corruptions']>,
  samples: number,
): Section {
  const severities = results[0]?.accuracies.map((_, i) => String(i + 1)) ?? [];
  const cells = results.map(({ accuracies }) =>
    [...accuracies, accuracies.reduce((sum, each) => sum + each, 0) / accuracies.length].map((accuracy) => ({
      text: formatPercent(accuracy),
      share: accuracy,
      tone: 'attacked' as const,
    })),
  );
  const from = source === 'generated' ? 'Generated here' : `Read from ${source}`;
  return {
    title: 'Corruptions',
    intro: `${from}; accuracy by severity. Mean accuracy ${formatAccuracy(meanAccuracy)}, mean error ${formatAccuracy(meanError)}, not divided by that of a reference model; ${meanNote(meanAccuracy, samples)}.`,
    content: heatMap({
      caption: `Accuracy by severity, 1 the mildest. ${cellNote(samples)}.`,
      corner: 'corruption',
      rows: results.map(({ name }) => name.replaceAll('_', ' ')),
      columns: [...severities, 'mean'],
      cells,
    }),
  };
}

function aboutFacts(document: RobustnessDocument): Fact[] {
  const { samples, seed, clean, seconds } = document;
  return [
    ...checkpointFacts(document),
    ['Evaluated on', `${formatCount(samples)} test images`],
    ['Seed of the images and attacks', String(seed)],
    ['Clean loss', formatLoss(clean.loss)],
    ['Time', formatSeconds(seconds)],
  ];
}

function intervalNote(accuracy: number, samples: number): string {
  return `95 % interval ${intervalOf(accuracy, samples)}`;
}
