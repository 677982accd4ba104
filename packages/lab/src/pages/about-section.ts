/** The last section of a report: everything that one needs to trace it back, or to make it again. */
import { formatCount } from '../words/format.js';
import { counted } from '../words/counted.js';
import type { ReportMaker, ReportOrigin } from '../trained/report-origin.js';
import type { CheckpointName } from './evaluation-document.js';
import { dataTable } from './kit/data-table.js';
import { html, type Html, type HtmlPart } from './kit/html.js';
import type { Section } from './kit/page.js';

export type Fact = readonly [what: string, value: HtmlPart];

/** The facts that every report of a checkpoint shares. */
export interface CheckpointFacts extends CheckpointName, ReportOrigin {
  readonly dataset: string;
}

/** The section; a report adds its own facts behind the shared ones. */
export function aboutSection(facts: readonly Fact[]): Section {
  return { title: 'About this report', content: dataTable({ header: ['What', 'Value'], rows: facts }) };
}

/** When a report was made, and by what. */
export function makerFacts({ at, version }: ReportMaker): Fact[] {
  return [
    ['Made', timeText(at)],
    ['By', `Facet ${version}`],
  ];
}

/**
 * What a checkpoint is and how it came to be.
 *
 * @param kind what the training is named by
 */
export function checkpointFacts(
  { made, trained, ...named }: CheckpointFacts,
  kind: 'Preset' | 'Task' = 'Preset',
): Fact[] {
  const { run, step, checkpoint, weightsSha256, dataset, datasetSha256 } = named;
  return [
    ...makerFacts(made),
    ['Run', run],
    ['Dataset', html`${dataset}, SHA-256 ${code(datasetSha256)}`],
    [kind, trained.preset],
    ['Seed of the training', String(trained.seed)],
    ['Parameters', formatCount(trained.parameters)],
    ['Trained', `${counted(trained.epochs, 'epoch')}, until ${timeText(trained.at)}, by Facet ${trained.version}`],
    ['Step', formatCount(step)],
    ['Checkpoint', code(checkpoint)],
    ['SHA-256 of the weights', code(weightsSha256)],
  ];
}

/** Text that is copied rather than read. */
export function code(text: string): Html {
  return html`<code>${text}</code>`;
}

/** `2026-11-29 01:20 UTC` */
function timeText(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 16)} UTC`;
}
