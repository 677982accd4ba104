/** The page of `facet runs compare`: what runs came to, their curves over each other, and where they differ. */
import type { ComparedCurves, Comparison } from '../comparison/compare-runs.js';
import { differenceCells, differencesText, RUN_COLUMNS, runCells } from '../comparison/comparison-words.js';
import { aboutSection, code, makerFacts } from './about-section.js';
import type { Axis } from './kit/axis.js';
import { dataTable } from './kit/data-table.js';
import { html, type Html } from './kit/html.js';
import { lineChart } from './kit/line-chart.js';
import { pageHtml } from './kit/page.js';

/** The whole page as text. */
export function comparisonPage(comparison: Comparison): string {
  const { runs, differences, cautions, curves, made } = comparison;
  const names = runs.map(({ name }) => name);
  return pageHtml({
    title: 'Runs compared',
    lead: `${names.join(', ')}.`,
    sections: [
      {
        title: 'Results',
        intro: cautions,
        content: dataTable({
          header: RUN_COLUMNS,
          rows: runs.map(runCells),
          numbers: RUN_COLUMNS.flatMap((_, column) => (column > 1 ? [column] : [])),
        }),
      },
      {
        title: 'Curves',
        intro:
          'Over epochs. The curves of training are means over stretches of steps, on samples as they were trained on; with augmentation they are not comparable with evaluations.',
        content: [
          chart('Loss of training', { label: 'loss' }, curves, ({ loss }) => loss),
          chart('Accuracy of training', { label: 'accuracy', kind: 'percent' }, curves, ({ accuracy }) => accuracy),
          chart('Evaluated loss', { label: 'loss' }, curves, ({ evaluatedLoss }) => evaluatedLoss),
          chart(
            'Evaluated accuracy',
            { label: 'accuracy', kind: 'percent' },
            curves,
            ({ evaluatedAccuracy }) => evaluatedAccuracy,
          ),
        ],
      },
      {
        title: 'Configurations',
        intro: differencesText(differences),
        content:
          differences.length === 0
            ? undefined
            : dataTable({
                header: ['key', ...names],
                rows: differences.map((difference) => {
                  const [key, ...values] = differenceCells(difference);
                  return [code(key!), ...values];
                }),
              }),
      },
      aboutSection(makerFacts(made)),
    ],
  });
}

/** Nothing where no run has such a curve. */
function chart(
  name: string,
  y: Axis,
  curves: readonly ComparedCurves[],
  pointsOf: (curve: ComparedCurves) => ComparedCurves['loss'],
): Html | undefined {
  const series = curves.map((curve) => ({ name: curve.name, points: pointsOf(curve) }));
  const drawn = series.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return undefined;
  const most = Math.max(1, ...drawn.flatMap(({ points }) => points.map(({ x }) => Math.ceil(x))));
  return html`<h3>${name}</h3>
    ${lineChart({
      description: `${name} over epochs: ${drawn.map((each) => each.name).join(', ')}`,
      x: { label: 'epoch', kind: 'whole', domain: [0, most] },
      y,
      series: drawn,
    })}`;
}
