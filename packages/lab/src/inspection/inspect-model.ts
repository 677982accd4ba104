/**
 * Shows what a model looks at: a few images in detail, and over many images the correspondence of its attention between views
 * and with another checkpoint. The choice of images is fixed, so that nobody can pick the pretty ones.
 */
import { TrainingError } from '@facet/shared';
import { wholeImages } from '../evaluation/whole-images.js';
import { createModel, interleavedBytes, pixelsPerToken, VIEWS } from '@facet/multiview';
import { programShape, type TrainedModel } from '../models/classifier.js';
import { evaluatedIds, sizesOf, sourceOf, type EvaluatedSplit } from '../evaluation/evaluated-ids.js';
import { argMax, softmaxRows } from '../models/probabilities.js';
import { headMaps } from './attention-maps.js';
import { correspondenceOf, topCount } from './correspondence.js';
import { openInspector, type Inspector } from './inspector.js';
import type { CorrespondenceScore, InspectedSample, InspectionReport } from './report.js';
import { surveyImages, type Survey } from './survey.js';
import { tokenPlaces, type TokenGrid } from './token-places.js';

export interface InspectOptions extends Pick<EvaluatedSplit, 'dataset' | 'split'> {
  readonly model: TrainedModel;
  /** Ids of samples that are read wrongly; the first few are shown. */
  readonly mistakes: readonly number[];
  /** Another checkpoint whose attention is compared. */
  readonly compared?: ComparedModel | undefined;
  /** 0 takes all cores. */
  readonly threads: number;
}

export interface ComparedModel {
  readonly name: string;
  readonly model: TrainedModel;
}

/** An inspection, and the pictures that its samples are shown by. */
export interface ModelInspection {
  readonly report: InspectionReport;
  /** For each sample of the report what each view shows of it, [height, width, channels], 0..255. */
  readonly pictures: readonly (readonly Uint8Array[])[];
}

/** Images that the correspondence is a mean over. */
const CORRESPONDENCE_IMAGES = 256;
/** Images shown of each kind, right and wrong. */
const SHOWN = 4;
/** Digits after the point that shares are kept with. */
const DIGITS = 5;

/**
 * Inspects a model.
 *
 * @throws TrainingError as {@link evaluatedIds}, {@link openInspector} and {@link requireComparable} do.
 */
export async function inspectModel(options: InspectOptions): Promise<ModelInspection> {
  const { model, dataset, mistakes, compared, threads } = options;
  if (compared !== undefined) requireComparable(model, compared);
  const { labels } = sourceOf(options);
  const ids = evaluatedIds({ ...options, config: model.config, sizes: sizesOf(dataset) }).slice(
    0,
    CORRESPONDENCE_IMAGES,
  );
  const images = wholeImages(dataset, sourceOf(options), ids);
  const inspector = await openInspector(model, { threads });
  try {
    const survey = await surveyImages(inspector, images);
    const scores = await viewScores(inspector, survey, model);
    if (compared !== undefined) scores.push(await checkpointScore(survey, images, { compared, threads }));
    const right = [...ids].filter((id, i) => survey.answers[i] === labels[id]).slice(0, SHOWN);
    const shown = await readSamples(inspector, Uint32Array.from([...right, ...mistakes.slice(0, SHOWN)]), options);
    const { side, pitch } = tokenGrid(model);
    const report: InspectionReport = {
      side,
      tokenPixels: pitch,
      seen: ['image', ...viewsAttendedTo(model)],
      views: viewsOf(model),
      viewWeights: inspector.viewWeights().map(rounded),
      correspondence: { images: ids.length, topCount: topCount(side * side), scores },
      samples: shown.map(({ sample }) => sample),
    };
    return { report, pictures: shown.map(({ pictures }) => pictures) };
  } finally {
    await inspector.close();
  }
}

/** @throws TrainingError CONFIG_INVALID when the attention of two models cannot be compared token by token. */
export function requireComparable(model: TrainedModel, { name, model: other }: ComparedModel): void {
  const describe = (each: TrainedModel): string => `${each.config.dataset} in ${tokenGrid(each).side ** 2} tokens`;
  if (describe(model) === describe(other)) return;
  throw new TrainingError(
    'CONFIG_INVALID',
    `${name} reads ${describe(other)}, expected ${describe(model)} as the checkpoint that it is compared with; name another seed of the same run`,
  );
}

function tokenGrid(model: TrainedModel): TokenGrid {
  return {
    side: Math.sqrt(createModel(programShape(model)).tokens),
    pitch: pixelsPerToken(model.config.task.options.model),
  };
}

function viewsOf({ config }: TrainedModel): RunViews {
  const { injection, views } = config.task.options.model;
  return injection === 'none' ? [] : views;
}

type RunViews = TrainedModel['config']['task']['options']['model']['views'];

/** The views whose tokens the last block attends to. */
function viewsAttendedTo(model: TrainedModel): RunViews {
  const { injection, injectionBlocks, depth } = model.config.task.options.model;
  return injection === 'cross' && injectionBlocks >= depth ? viewsOf(model) : [];
}

/** How attention corresponds when the same images come in through each other view. */
async function viewScores(inspector: Inspector, survey: Survey, model: TrainedModel): Promise<CorrespondenceScore[]> {
  const views = viewsOf(model);
  const scores: CorrespondenceScore[] = [];
  for (const [view, name] of views.entries()) {
    if (name === 'identity' || views.indexOf(name) !== view) continue;
    const through = await surveyImages(inspector, survey.views[view]!);
    const places = tokenPlaces(VIEWS[name], tokenGrid(model));
    scores.push(scoreOf(survey, through, { kind: 'view', name, places }));
  }
  return scores;
}

async function checkpointScore(
  survey: Survey,
  images: Float32Array,
  { compared, threads }: { readonly compared: ComparedModel; readonly threads: number },
): Promise<CorrespondenceScore> {
  const inspector = await openInspector(compared.model, { threads });
  try {
    return scoreOf(survey, await surveyImages(inspector, images), { kind: 'checkpoint', name: compared.name });
  } finally {
    await inspector.close();
  }
}

function scoreOf(
  { maps }: Survey,
  other: Survey,
  { kind, name, places }: Pick<CorrespondenceScore, 'kind' | 'name'> & { readonly places?: readonly number[] },
): CorrespondenceScore {
  const tokens = Math.sqrt(maps[0]!.length);
  const options = { tokens, k: topCount(tokens), ...(places !== undefined && { places }) };
  return { kind, name, ...correspondenceOf(maps, other.maps, options) };
}

interface ShownSample {
  readonly sample: InspectedSample;
  readonly pictures: readonly Uint8Array[];
}

async function readSamples(
  inspector: Inspector,
  ids: Uint32Array,
  options: Pick<InspectOptions, 'dataset' | 'split'>,
): Promise<ShownSample[]> {
  const { dataset } = options;
  const source = sourceOf(options);
  const shown: ShownSample[] = [];
  for await (const reading of inspector.read(wholeImages(dataset, source, ids))) {
    const id = ids[shown.length]!;
    const probabilities = softmaxRows(reading.logits, dataset.classes.length);
    const answer = argMax(probabilities);
    shown.push({
      sample: {
        sample: id,
        truth: source.labels[id]!,
        answer,
        confidence: probabilities[answer]!,
        pooling: rounded(reading.pooling),
        heads: headMaps(reading, inspector.shape).map((seen) => seen.map(rounded)),
      },
      pictures: reading.views.map((picture) => interleavedBytes(picture, dataset.image)),
    });
  }
  return shown;
}

function rounded(shares: ArrayLike<number>): number[] {
  return Array.from(shares, (share) => Number(share.toFixed(DIGITS)));
}
