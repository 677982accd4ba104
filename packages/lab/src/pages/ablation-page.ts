/**
 * ablation.html: a study as one page. What may be concluded stands first, then every number behind it, what each arm is, and
 * how to run the study again. Drawn from ablation.json alone.
 */
import type { AblationReport, ArmReport } from '../study/ablation-report.js';
import {
  accuracyText,
  conclusion,
  differenceText,
  effectOf,
  pointsText,
  pText,
  studyText,
  survivors,
  verdictOf,
} from '../study/study-words.js';
import { ALPHA } from '../study/paired-differences.js';
import { formatAccuracy, formatCount, formatMacs, formatSeconds } from '../words/format.js';
import { aboutSection, code, makerFacts, type Fact } from './about-section.js';
import { dataTable } from './kit/data-table.js';
import { forestPlot, type ForestRow } from './kit/forest-plot.js';
import { html, type Html, type HtmlPart } from './kit/html.js';
import { keyFigures } from './kit/key-figures.js';
import { lineChart } from './kit/line-chart.js';
import { pageHtml, type Section } from './kit/page.js';

/** The document as text. */
export function ablationPage(report: AblationReport): string {
  return pageHtml({
    title: `Ablation: ${report.study}`,
    lead: `${studyText(report)}.`,
    sections: [
      resultSection(report),
      differenceSection(report),
      curveSection(report),
      seedSection(report),
      armSection(report),
      methodSection(report),
      aboutSection(aboutFacts(report)),
    ],
  });
}

function resultSection(report: AblationReport): Section {
  const { arms, baseline } = report;
  return {
    title: 'Result',
    intro: [conclusion(report), ...survivors(report)].map((text) => `${text[0]!.toUpperCase()}${text.slice(1)}. `),
    content: [
      keyFigures(figuresOf(report)),
      dataTable({
        header: [
          ...['arm', 'accuracy', `difference from ${baseline}, points`, 'p', 'p (Holm)', 'after Holm'],
          ...['seeds', 'parameters', 'MACs'],
        ],
        numbers: [1, 2, 3, 4, 6, 7, 8],
        rows: arms.map((arm) => [
          arm.sameAs === undefined ? arm.name : `${arm.name} (= ${arm.sameAs})`,
          accuracyText(arm),
          arm.name === baseline ? 'baseline' : differenceText(arm.difference),
          pText(arm.difference?.p),
          pText(arm.difference?.holmP),
          effectCell(arm),
          arm.trials.length,
          formatCount(arm.parameters),
          formatMacs(arm.macsPerImage),
        ]),
        caption: `Accuracy: mean ± standard deviation over the seeds. Difference: mean over the same seeds and its 95 % interval. Interval and p are for one arm alone; p (Holm) is for all arms together, and only what is below ${ALPHA} there counts as shown.`,
      }),
    ],
  };
}

function figuresOf({ best, arms, seeds, trialsFinished, trialsPlanned, trainSeconds }: AblationReport) {
  const result = best && {
    label: `${best.arm} against ${best.control}`,
    value: `${pointsText(best.difference.mean)} points`,
    note: `${verdictOf(best.difference)}; ${differenceText(best.difference)}`,
  };
  return [
    ...(result === undefined ? [] : [result]),
    { label: 'arms', value: String(arms.length), note: `${seeds.length} seeds each` },
    { label: 'trials', value: `${trialsFinished} of ${trialsPlanned}` },
    { label: 'training', value: formatSeconds(trainSeconds) },
  ];
}

/** The word says it; the colour only repeats it. */
function effectCell({ difference }: ArmReport): HtmlPart {
  if (difference?.holmP === undefined) return '';
  const effect = effectOf(difference);
  const kinds = { gains: 'good', loses: 'bad', 'not shown': 'note' } as const;
  return html`<span class="${kinds[effect]}">${effect}</span>`;
}

function differenceSection({ arms, baseline }: AblationReport): Section {
  const rows = ownTrials(arms).flatMap(({ name, difference }): ForestRow[] => {
    if (difference?.interval === undefined) return [];
    const [low, high] = difference.interval.map((end) => 100 * end) as [number, number];
    return [{ name, estimate: 100 * difference.mean, low, high, text: differenceText(difference) }];
  });
  return {
    title: 'Differences',
    intro: `Each arm minus ${baseline} with the same seed: the mean over the seeds and its 95 % interval by Student's t. An interval that holds 0 shows no difference. One that does not may still be luck where many arms are compared: the table says what is left after Holm's correction.`,
    content:
      rows.length === 0
        ? html`<p>There is no arm with two seeds that the baseline has too, so there is no interval yet.</p>`
        : forestPlot({
            description: `Differences of ${rows.length} arms from ${baseline} with their 95 % intervals`,
            axis: { label: `difference from ${baseline}, points` },
            rows,
          }),
  };
}

/** As many as a chart can tell apart, the baseline in each of them. */
const CURVES_PER_CHART = 6;

function curveSection({ arms, baseline, split }: AblationReport): Section {
  const trained = ownTrials(arms).filter(({ curve }) => curve.length > 0);
  const compared = trained.filter(({ name }) => name === baseline);
  const others = trained.filter(({ name }) => name !== baseline);
  const size = CURVES_PER_CHART - compared.length;
  const groups = Array.from({ length: Math.max(1, Math.ceil(others.length / size)) }, (_, i) => [
    ...compared,
    ...others.slice(i * size, (i + 1) * size),
  ]);
  return {
    title: 'Curves',
    intro: 'Accuracy after each epoch, mean over the seeds of an arm.',
    content: groups.map((group) =>
      lineChart({
        description: `Accuracy after each epoch of ${group.map(({ name }) => name).join(', ')}`,
        x: { label: 'epoch', kind: 'whole', domain: [1, Math.max(2, ...group.map(({ curve }) => curve.length))] },
        y: { label: `${split} accuracy`, kind: 'percent' },
        series: group.map(({ name, curve }) => ({ name, points: curve.map((y, epoch) => ({ x: epoch + 1, y })) })),
      }),
    ),
  };
}

function seedSection({ arms, seeds }: AblationReport): Section {
  return {
    title: 'Every trial',
    intro: 'Accuracy after the last epoch. Trials in one column have the same seed, and so the same order of samples.',
    content: [
      seedTable(arms, seeds, (trial) => formatAccuracy(trial?.accuracy ?? Number.NaN)),
      seedTable(
        arms,
        seeds,
        (trial) => (trial === undefined ? '-' : code(trial.weightsSha256.slice(0, SHOWN_DIGITS))),
        `SHA-256 of the weights of each trial, the first ${SHOWN_DIGITS} digits; ablation.json has all of them.`,
      ),
    ],
  };
}

/** Digits of a hash that tell trials apart. */
const SHOWN_DIGITS = 12;

function seedTable(
  arms: AblationReport['arms'],
  seeds: readonly number[],
  cell: (trial: ArmReport['trials'][number] | undefined) => HtmlPart,
  caption?: string,
): Html {
  return dataTable({
    ...(caption !== undefined && { caption }),
    header: ['arm', ...seeds.map((seed) => `seed ${seed}`)],
    numbers: seeds.map((_, i) => i + 1),
    rows: ownTrials(arms).map(({ name, trials }) => [
      name,
      ...seeds.map((seed) => cell(trials.find((trial) => trial.seed === seed))),
    ]),
  });
}

function armSection({ arms }: AblationReport): Section {
  return {
    title: 'Arms',
    intro:
      'What each arm is, and the keys that it sets in the configuration that all share. Multi-view arms see more than one view of their own image; controls are what they must beat.',
    content: dataTable({
      header: ['arm', 'role', 'what it is', 'keys'],
      rows: arms.map(({ name, role, about, sets, sameAs }) => [
        name,
        role,
        sameAs === undefined ? about : `${about}; with this preset the same as ${sameAs}`,
        html`<code>${keysText(sets)}</code>`,
      ]),
    }),
  };
}

function methodSection(report: AblationReport): Section {
  const { command, engines, heldOutSamples, study } = report;
  const heldOut = heldOutSamples === 0 ? 'no images' : `${formatCount(heldOutSamples)} images`;
  return {
    title: 'How it was made',
    content: [
      html`<p>
        ${heldOut} of the training split were held out: no arm was trained on them. Intervals and p are two-sided, by
        Student's t on the differences seed by seed; p is adjusted by Holm's method over the arms that differ from the
        baseline. Trained with ${engines.length === 0 ? 'no engine yet' : engines.join(', ')}.
      </p>`,
      commandHtml('The whole study again', command),
      commandHtml('To go on with it, or to read its numbers', `facet ablate --study ${study}`),
      commandHtml('More seeds', `facet ablate --study ${study} --seeds ${nextSeeds(report)}`),
    ],
  };
}

function aboutFacts({ made, study, dataset, preset, baseline, seeds, trialsFinished }: AblationReport): Fact[] {
  return [
    ...makerFacts(made),
    ['Study', study],
    ['Dataset', dataset],
    ['Preset', preset],
    ['Baseline', baseline],
    ['Seeds', seeds.join(', ')],
    ['Trials', `${trialsFinished}, each a run in ${study}/runs with its checkpoint`],
  ];
}

function nextSeeds({ seeds }: AblationReport): string {
  const last = Math.max(...seeds);
  return `${last + 1}-${last + 5}`;
}

function commandHtml(title: string, command: string): Html {
  return html`<p>${title}:<br /><code>npx ${command}</code></p>`;
}

/** The arms that were trained themselves. */
function ownTrials(arms: readonly ArmReport[]): ArmReport[] {
  return arms.filter(({ sameAs }) => sameAs === undefined);
}

/** `model.injection=none model.views=[identity]` */
function keysText(sets: ArmReport['sets'], prefix = ''): string {
  return Object.entries(sets)
    .map(([key, value]) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? keysText(value as ArmReport['sets'], `${prefix}${key}.`)
        : `${prefix}${key}=${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}`,
    )
    .join(' ');
}
