/** Checks between options of the multi-view task. Each reads only sections that are sound, so no fault hides another or is reported twice. */
import { attackProblem, shown, soundValue, type KnownDataset, type SaidOptions } from '@facet/shared';
import { adversarialSchema, type AdversarialConfig } from './adversarial-schema.js';
import { augmentationSchema, type AugmentationConfig } from './augmentation-schema.js';
import { modelSchema, type ModelConfig } from './model-schema.js';

/** A key as the user spells it. */
type KeyName = SaidOptions['keyName'];

/** One sentence each. */
export function optionProblems({ options, dataset, engine, keyName }: SaidOptions): string[] {
  const model = soundValue(modelSchema, options['model']);
  const augmentation = soundValue(augmentationSchema, options['augmentation']);
  const adversarial = soundValue(adversarialSchema, options['adversarial']);
  return [
    ...(model === undefined ? [] : modelProblems(model, keyName)),
    ...(model === undefined || dataset === undefined ? [] : pixelProblems(model, dataset, keyName)),
    ...(augmentation === undefined ? [] : augmentationProblems(augmentation, dataset, keyName)),
    ...(adversarial === undefined ? [] : adversarialProblems(adversarial, engine, keyName)),
  ];
}

function modelProblems(model: ModelConfig, key: KeyName): string[] {
  const problems: string[] = [];
  const { views, width, heads, merge, mergeSize, injection, auxiliary, stemWidth, stemDepth, mlpRatio } = model;
  if (width % heads !== 0) {
    problems.push(`${key('model.heads')}: ${heads}, expected a divisor of ${key('model.width')}, which is ${width}`);
  }
  if (views[0] !== 'identity') {
    problems.push(`${key('model.views')}: ${shown(views)}, expected identity as the first view`);
  }
  if (stemDepth > 0 && (stemWidth * mlpRatio) % 8 !== 0) {
    problems.push(
      `${key('model.stemWidth')}: ${stemWidth}, expected a multiple of 8 with ${key('model.stemDepth')} ${stemDepth}: its MLPs shift an eighth of their features each way`,
    );
  }
  if (mergeSize < merge) {
    problems.push(
      `${key('model.mergeSize')}: ${mergeSize}, expected at least ${key('model.merge')}, which is ${merge}: cells would be left out`,
    );
  }
  if (injection === 'cross' && model.viewNorm === 'sum') {
    problems.push(
      `${key('model.viewNorm')}: ${shown(model.viewNorm)}, expected each with ${key('model.injection')} cross: attention sees every view by itself and sums none`,
    );
  }
  if (auxiliary.completion > 0 && (views.length < 2 || injection === 'none')) {
    const given = injection === 'none' ? `${key('model.injection')} none` : `the only view ${views.join()}`;
    problems.push(
      `${key('model.auxiliary.completion')}: ${auxiliary.completion} with ${given}, expected 0: nothing could be rebuilt`,
    );
  }
  return problems;
}

function pixelProblems({ pixels }: ModelConfig, { name, image }: KnownDataset, key: KeyName): string[] {
  return (['mean', 'stddev'] as const).flatMap((statistic) => {
    const { length } = pixels[statistic];
    if (length === image.channels) return [];
    const expected = `${image.channels}, one for each channel of ${name}`;
    return [
      `${key(`model.pixels.${statistic}`)}: ${shown(pixels[statistic])} has length ${length}, expected ${expected}`,
    ];
  });
}

function augmentationProblems(
  { flip, mixup, cutmix }: AugmentationConfig,
  dataset: KnownDataset | undefined,
  key: KeyName,
): string[] {
  const problems: string[] = [];
  if (flip && dataset?.traits.isMirrorable === false) {
    const { shows } = dataset.traits;
    const mirrored = `the mirror image of a ${shows} of ${dataset.name} is no ${shows}`;
    problems.push(`${key('augmentation.flip')}: true, expected false: ${mirrored}`);
  }
  if (mixup.share + cutmix.share > 1) {
    const keys = `${key('augmentation.mixup.share')} + ${key('augmentation.cutmix.share')}`;
    problems.push(`${keys}: ${mixup.share} + ${cutmix.share}, expected at most 1: an image is mixed in one way`);
  }
  return problems;
}

function adversarialProblems({ norm, eps }: AdversarialConfig, engine: SaidOptions['engine'], key: KeyName): string[] {
  if (eps === 0) return [];
  const problems: string[] = [];
  if (norm === 'linf' && eps > 1) {
    problems.push(
      `${key('adversarial.eps')}: ${eps}, expected at most 1 in linf: pixels are in [0, 1], so 8 of 255 is 0.0314`,
    );
  }
  const refusal = engine === undefined ? undefined : attackProblem(engine);
  return refusal === undefined ? problems : [...problems, `engine.name: ${refusal}`];
}
