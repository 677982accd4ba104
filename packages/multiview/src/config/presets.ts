/**
 * The presets of the multi-view task: a dataset, a model and a recipe that belong together. A preset gives a value to every key
 * that the user does not set.
 */
import { ADAMW_RECIPE, WHOLE_DATASET, type DatasetName, type TrainingConfig } from '@facet/shared';
import { NO_ADVERSARY } from './adversarial-schema.js';
import { NO_AUGMENTATION } from './augmentation-schema.js';
import type { ModelConfig } from './model-schema.js';
import { MULTI_VIEW_NAME, type MultiView, type MultiViewOptions } from './options.js';

export const PRESET_NAMES = ['mnist-fast', 'mnist-best', 'cifar10-fast', 'cifar10-best'] as const;
export type PresetName = (typeof PRESET_NAMES)[number];

type Preset = Omit<MultiView<TrainingConfig>, 'preset'>;

const MULTI_VIEW = {
  views: ['identity', 'zoom-in', 'zoom-out'] as ModelConfig['views'],
  viewWeights: 'normalised',
  injection: 'additive',
  injectionBlocks: 64,
  viewNorm: 'each',
  viewImages: 'own',
  auxiliary: { relativePosition: 0, completion: 0 },
} as const;

const MNIST = { ...WHOLE_DATASET, dataset: 'mnist' } as const;
const MNIST_PIXELS = { mean: [0.1307], stddev: [0.3081] };

const CIFAR10 = { ...WHOLE_DATASET, dataset: 'cifar10' } as const;
const CIFAR10_PIXELS = { mean: [0.4914, 0.4822, 0.4465], stddev: [0.247, 0.2435, 0.2616] };
/** What both CIFAR-10 presets have in common; they differ in width and depth. */
const CIFAR10_MODEL = {
  ...MULTI_VIEW,
  viewPatchSize: 4,
  patchSize: 3,
  patchStride: 1,
  stemStart: 'random',
  stemDepth: 0,
  merge: 2,
  mergeSize: 3,
  relativeBias: true,
  heads: 4,
  mlpRatio: 2,
  mlpsPerBlock: 1,
  pixels: CIFAR10_PIXELS,
} as const;

interface PresetParts extends Omit<TrainingConfig, 'preset' | 'task'>, MultiViewOptions {
  readonly dataset: DatasetName;
}

function preset({ model, augmentation, adversarial, ...training }: PresetParts): Preset {
  return { ...training, task: { name: MULTI_VIEW_NAME, options: { model, augmentation, adversarial } } };
}

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  'mnist-fast': preset({
    ...MNIST,
    epochs: 3,
    batch: { global: 128, micro: 32 },
    model: {
      ...MULTI_VIEW,
      viewPatchSize: 10,
      patchSize: 6,
      patchStride: 4,
      stemWidth: 24,
      stemStart: 'random',
      stemDepth: 0,
      stemConvolutions: [],
      merge: 2,
      mergeSize: 2,
      relativeBias: false,
      width: 64,
      depth: 2,
      heads: 4,
      mlpRatio: 2,
      mlpsPerBlock: 1,
      pixels: MNIST_PIXELS,
    },
    optimizer: {
      ...ADAMW_RECIPE,
      peakLearningRate: 6e-3,
      labelSmoothing: 0.05,
      emaDecay: 0,
    },
    augmentation: { ...NO_AUGMENTATION, shiftPixels: 1 },
    adversarial: NO_ADVERSARY,
  }),
  'mnist-best': preset({
    ...MNIST,
    epochs: 15,
    batch: { global: 128, micro: 32 },
    model: {
      ...MULTI_VIEW,
      viewPatchSize: 8,
      patchSize: 3,
      patchStride: 1,
      stemWidth: 16,
      stemStart: 'random',
      stemDepth: 0,
      stemConvolutions: [{ features: 32, stride: 2 }],
      merge: 2,
      mergeSize: 3,
      relativeBias: false,
      width: 64,
      depth: 2,
      heads: 2,
      mlpRatio: 2,
      mlpsPerBlock: 1,
      pixels: MNIST_PIXELS,
    },
    optimizer: {
      ...ADAMW_RECIPE,
      peakLearningRate: 3e-3,
      labelSmoothing: 0.05,
      emaDecay: 0.998,
    },
    augmentation: { ...NO_AUGMENTATION, shiftPixels: 2, rotateDegrees: 10, scaleShare: 0.1 },
    adversarial: NO_ADVERSARY,
  }),
  'cifar10-fast': preset({
    ...CIFAR10,
    epochs: 14,
    batch: { global: 128, micro: 32 },
    model: {
      ...CIFAR10_MODEL,
      stemWidth: 24,
      stemConvolutions: [
        { features: 48, stride: 2 },
        { features: 48, stride: 1 },
      ],
      width: 128,
      depth: 2,
    },
    optimizer: {
      ...ADAMW_RECIPE,
      peakLearningRate: 2e-3,
      labelSmoothing: 0.1,
      emaDecay: 0.998,
    },
    augmentation: { ...NO_AUGMENTATION, shiftPixels: 4, padding: 'reflect', flip: true },
    adversarial: NO_ADVERSARY,
  }),
  'cifar10-best': preset({
    ...CIFAR10,
    epochs: 60,
    batch: { global: 128, micro: 32 },
    model: {
      ...CIFAR10_MODEL,
      stemWidth: 16,
      stemConvolutions: [
        { features: 48, stride: 2 },
        { features: 40, stride: 1 },
      ],
      width: 112,
      depth: 3,
    },
    optimizer: {
      ...ADAMW_RECIPE,
      peakLearningRate: 2e-3,
      labelSmoothing: 0.1,
      emaDecay: 0.999,
    },
    augmentation: { ...NO_AUGMENTATION, shiftPixels: 4, padding: 'reflect', flip: true, cutoutPixels: 8 },
    adversarial: NO_ADVERSARY,
  }),
};

/** The size of a preset, and its accuracy and time when it was last measured (docs/results says how). */
export interface PresetRecord {
  readonly parameters: number;
  /** Multiply-accumulates of the matrix products, for the answer to one image. */
  readonly macsPerImage: number;
  /** Of the weights under models/. */
  readonly testAccuracy: number;
  /** Of training, with two workers on two cores; an upper bound where the machine had other work to do (docs/results says where). */
  readonly seconds: number;
}

export const PRESET_RECORDS: Record<PresetName, PresetRecord> = {
  'mnist-fast': { parameters: 82_698, macsPerImage: 1.91e6, testAccuracy: 0.9898, seconds: 50 },
  'mnist-best': { parameters: 98_802, macsPerImage: 7.03e6, testAccuracy: 0.9959, seconds: 1_482 },
  'cifar10-fast': { parameters: 371_082, macsPerImage: 34.29e6, testAccuracy: 0.8565, seconds: 1_701 },
  'cifar10-best': { parameters: 387_514, macsPerImage: 34.5e6, testAccuracy: 0.9024, seconds: 7_745 },
};
