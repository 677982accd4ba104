/**
 * The parameters of the model in their order, with how each starts and whether it decays. A part that a configuration
 * switches off has no parameters.
 */
import type { ImageShape } from '@facet/shared';
import type { ModelConfig } from '../config/model-schema.js';
import type { Initialiser, ParameterSpec } from '@facet/task';
import { patchCosines } from './patch-cosines.js';
import { offsetCount } from './relative-bias.js';
import { CONVOLUTION_SIZE } from './stem-grid.js';

const INJECTION_START = 0.1;
const EMBEDDING_STDDEV = 0.02;
/** Hidden features of the head that tells how far apart two tokens are. */
const POSITION_HIDDEN = 128;

const zero: Initialiser = { kind: 'constant', value: 0 };
const one: Initialiser = { kind: 'constant', value: 1 };

export interface SpecShape {
  readonly image: ImageShape;
  readonly classes: number;
  readonly config: ModelConfig;
  /** Tokens along one side. */
  readonly side: number;
}

/** What the parameters of the MLPs of a block begin with. */
export function mlpPrefixes({ mlpsPerBlock }: Pick<ModelConfig, 'mlpsPerBlock'>, block: number): string[] {
  return Array.from({ length: mlpsPerBlock }, (_, index) => `block${block}.mlp${index === 0 ? '' : index}`);
}

/** The parameters of a model. */
export function parameterSpecs({ image, classes, config, side }: SpecShape): ParameterSpec[] {
  const { width, depth, mlpRatio, stemWidth, stemDepth } = config;
  const specs: ParameterSpec[] = [];
  const weight = (name: string, from: number, to: number, scale = 1): void => {
    const initialiser: Initialiser = { kind: 'normal', stddev: scale / Math.sqrt(from) };
    specs.push({ name: `${name}.weight`, shape: [from, to], initialiser, decays: true });
  };
  const vector = (name: string, shape: readonly number[], initialiser: Initialiser): void => {
    specs.push({ name, shape, initialiser, decays: false });
  };
  const linear = (name: string, from: number, to: number, scale = 1): void => {
    weight(name, from, to, scale);
    vector(`${name}.bias`, [to], zero);
  };
  const norm = (name: string, features = width): void => {
    vector(`${name}.gain`, [features], one);
    vector(`${name}.bias`, [features], zero);
  };
  // Residual branches start small, so that a deep model begins close to the identity (GPT-2's initialisation).
  const mlp = (prefix: string, features: number, branches: number): void => {
    norm(`${prefix}.norm`, features);
    linear(`${prefix}.in`, features, features * mlpRatio);
    linear(`${prefix}.out`, features * mlpRatio, features, 1 / Math.sqrt(branches));
  };

  const views = config.views.length;
  const hasViews = config.injection !== 'none';
  const patch = { channels: image.channels, size: config.patchSize, features: stemWidth };
  if (config.stemStart === 'cosines') {
    const initialiser: Initialiser = { kind: 'given', values: patchCosines(patch) };
    specs.push({
      name: 'stem.weight',
      shape: [patch.channels * patch.size ** 2, stemWidth],
      initialiser,
      decays: true,
    });
    vector('stem.bias', [stemWidth], zero);
  } else {
    linear('stem', patch.channels * patch.size ** 2, stemWidth);
  }
  for (let block = 0; block < stemDepth; block++) mlp(`stem${block}.mlp`, stemWidth, stemDepth);
  let features = stemWidth;
  for (const [index, convolution] of config.stemConvolutions.entries()) {
    norm(`stem.convolution${index}.norm`, features);
    linear(`stem.convolution${index}`, CONVOLUTION_SIZE ** 2 * features, convolution.features);
    features = convolution.features;
  }
  if (config.stemConvolutions.length > 0) norm('embedding.norm', features);
  linear('embedding', config.mergeSize ** 2 * features, width);
  vector('embedding.position', [side * side, width], { kind: 'normal', stddev: EMBEDDING_STDDEV });
  if (hasViews) {
    linear('views.patch', image.channels * config.viewPatchSize ** 2, width);
    norm('views.norm');
    vector('views.viewpoint', [views, width], { kind: 'normal', stddev: EMBEDDING_STDDEV });
  }
  const branches = depth * (1 + config.mlpsPerBlock);
  for (let block = 0; block < depth; block++) {
    const prefix = `block${block}`;
    if (hasViews && block < config.injectionBlocks) {
      // The gradient of w^2 is zero at w = 0: start where normalised weights are equal.
      if (config.viewWeights !== 'uniform') {
        vector(`${prefix}.views.weight`, [views], { kind: 'constant', value: 1 / Math.sqrt(views) });
      }
      if (config.injection === 'additive') {
        vector(`${prefix}.views.injection`, [1], { kind: 'constant', value: INJECTION_START });
      }
    }
    norm(`${prefix}.attention.norm`);
    linear(`${prefix}.attention.qkv`, width, 3 * width);
    if (config.relativeBias) vector(`${prefix}.attention.relative`, [offsetCount(side), config.heads], zero);
    linear(`${prefix}.attention.out`, width, width, 1 / Math.sqrt(branches));
    for (const name of mlpPrefixes(config, block)) mlp(name, width, branches);
  }
  if (config.auxiliary.relativePosition > 0) {
    linear('auxiliary.position.in', 2 * width, POSITION_HIDDEN);
    linear('auxiliary.position.out', POSITION_HIDDEN, 2, 0.1);
  }
  if (config.auxiliary.completion > 0) {
    vector('auxiliary.completion.mask', [width], { kind: 'normal', stddev: EMBEDDING_STDDEV });
    linear('auxiliary.completion.query', width, width);
    linear('auxiliary.completion.keyValue', width, 2 * width);
    linear('auxiliary.completion.out', width, image.channels * config.viewPatchSize ** 2, 0.1);
  }
  norm('head.norm');
  weight('head.pool', width, 1);
  linear('head', width, classes, 0.1);
  return specs;
}
