/**
 * What the model looks at: the weights of its views, attention on a few images, and the correspondence attention score.
 */
import type { CorrespondenceScore, InspectedSample, InspectionReport } from '../inspection/report.js';
import { formatAccuracy, formatCount, formatPercent } from '../words/format.js';
import type { CheckpointName, EvaluationPictures } from './evaluation-document.js';
import { barChart } from './kit/bar-chart.js';
import { dataTable } from './kit/data-table.js';
import { html, type Html } from './kit/html.js';
import { imageGrid, type GridImage } from './kit/image-grid.js';
import type { Section } from './kit/page.js';
import { pngUri } from './kit/png-uri.js';
import { overlayAttention } from './pixel-image.js';

export interface AttentionParts {
  readonly inspection: InspectionReport;
  readonly compared: CheckpointName | null;
  readonly pictures: EvaluationPictures['samples'];
  /** Names in label order. */
  readonly classes: readonly string[];
}

/** The sections about what the model looks at. */
export function attentionSections(parts: AttentionParts): Section[] {
  const { inspection } = parts;
  return [
    ...(inspection.viewWeights.length === 0 ? [] : [viewWeightSection(inspection)]),
    ...(inspection.samples.length === 0 ? [] : [sampleSection(parts)]),
    ...(inspection.correspondence.scores.length === 0 ? [] : [correspondenceSection(inspection)]),
  ];
}

function viewWeightSection({ views, viewWeights }: InspectionReport): Section {
  const bars = viewWeights.flatMap((weights, block) =>
    weights.map((value, view) => ({
      name: `block ${block + 1}, ${views[view]}`,
      value,
      text: formatPercent(value),
    })),
  );
  return {
    title: 'View weights',
    intro: 'How much each block makes of each view. They are learned once and are the same for every image.',
    content: barChart({
      description: `Weights of the views: ${bars.map(({ name, text }) => `${name} ${text}`).join('; ')}`,
      axis: { label: 'weight', kind: 'percent' },
      bars,
      tone: 'neutral',
    }),
  };
}

function sampleSection({ inspection, pictures, classes }: AttentionParts): Section {
  const { samples, seen } = inspection;
  const views = seen.length > 1 ? ' With cross-view attention a head looks at the image and at every view of it.' : '';
  return {
    title: 'What the model looks at',
    intro: `The first images that are read correctly and the worst mistakes, with their views as the model is given them: outside of the image it sees the mean colour. Pooling: how much each token counts in what is classified. Heads: where each head of the last block looks, averaged over the tokens that look by how much they count.${views} The strongest colour of a picture stands for the share under it.`,
    content: samples.map((sample, i) => sampleCard({ sample, inspection, picture: pictures[i]!, classes })),
  };
}

interface SampleCard {
  readonly sample: InspectedSample;
  readonly inspection: InspectionReport;
  readonly picture: EvaluationPictures['samples'][number];
  readonly classes: readonly string[];
}

function sampleCard({ sample, inspection, picture, classes }: SampleCard): Html {
  const { truth, answer, confidence } = sample;
  const name = (label: number): string => classes[label] ?? String(label);
  const verdict = answer === truth ? 'read correctly' : `taken for ${name(answer)}`;
  const width = 3 * picture.image.width;
  const given: GridImage[] = [
    { source: pngUri(picture.image), alt: `image of the class ${name(truth)}`, caption: ['image'] },
    ...picture.views.flatMap((view, i) => {
      const viewName = inspection.views[i] ?? `view ${i + 1}`;
      // The first view is the image itself, which stands there already.
      if (i === 0 && viewName === 'identity') return [];
      return [{ source: pngUri(view), alt: `the image through the view ${viewName}`, caption: [viewName] }];
    }),
  ];
  return html`<div class="card">
    <h3>${name(truth)}, ${verdict} (${formatAccuracy(confidence)} sure), image ${sample.sample}</h3>
    ${imageGrid({ images: given, width })}
    ${imageGrid({ images: attentionImages({ sample, inspection, picture }), width })}
  </div>`;
}

/** Pooling, then each head on everything that it attends to. */
function attentionImages({ sample, inspection, picture }: Omit<SampleCard, 'classes'>): GridImage[] {
  const { side, tokenPixels, seen } = inspection;
  const draw = (label: string, shares: readonly number[], view?: number): GridImage => {
    const under = view === undefined ? picture.image : picture.views[view]!;
    const peak = Math.max(...shares);
    return {
      source: pngUri(overlayAttention(under, { shares, peak, side, tokenPixels })),
      alt: `${label}: at most ${formatPercent(peak)} at one token`,
      caption: [label, `up to ${formatPercent(peak)}`],
    };
  };
  const heads = sample.heads.flatMap((maps, head) =>
    maps.map((shares, at) => {
      const where = at === 0 ? '' : `, ${seen[at]}`;
      return draw(`head ${head + 1}${where}`, shares, at === 0 ? undefined : at - 1);
    }),
  );
  return [draw('pooling', sample.pooling), ...heads];
}

function correspondenceSection({ correspondence, side }: InspectionReport): Section {
  const { images, topCount, scores } = correspondence;
  return {
    title: 'Correspondence of attention',
    intro: `The correspondence attention score: the share of the ${topCount} places of ${side * side} that a token attends to most which are the same when the image is read again, through another view or by another checkpoint; mean over tokens and the first ${formatCount(images)} images. Places are compared where the view shows them. What the next image's attention scores is habit and not correspondence.`,
    content: dataTable({
      header: ['Read again', 'Score', 'Chance', 'Above chance', 'Next image'],
      numbers: [1, 2, 3, 4],
      rows: scores.map((score) => [
        describeReading(score),
        score.score.toFixed(3),
        score.chance.toFixed(3),
        (score.score - score.chance).toFixed(3),
        score.otherImages.toFixed(3),
      ]),
    }),
  };
}

function describeReading({ kind, name }: CorrespondenceScore): string {
  return kind === 'view' ? `through ${name}` : `by ${name}`;
}
