/**
 * Presets: a dataset, a model and a recipe that belong together. A preset fills in whatever the user does not say.
 */
import { NO_AUGMENTATION } from './augmentation-schema.js';
import type { RunConfig, TrainingConfig } from './schema.js';

type Preset = Omit<TrainingConfig, 'preset'>;

const ADAMW = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1 } as const;

const MULTI_VIEW = {
  viewWeights: 'normalised',
  injection: 'additive',
  injectionBlocks: 64,
  viewNorm: 'each',
  viewImages: 'own',
  auxiliary: { relativePosition: 0, completion: 0 },
} as const;

export const PRESETS = {
  'mnist-fast': {
    dataset: 'mnist',
    seed: 1,
    epochs: 3,
    samples: { train: 0, test: 0, heldOut: 0 },
    evaluation: 'test',
    batch: { global: 256, micro: 32 },
    model: {
      views: ['identity', 'zoom-in', 'zoom-out'],
      ...MULTI_VIEW,
      viewPatchSize: 10,
      patchSize: 6,
      patchStride: 4,
      stemWidth: 24,
      stemDepth: 0,
      merge: 2,
      mergeSize: 2,
      relativeBias: false,
      width: 64,
      depth: 2,
      heads: 4,
      mlpRatio: 2,
      pixels: { mean: [0.1307], stddev: [0.3081] },
    },
    optimizer: {
      ...ADAMW,
      peakLearningRate: 8e-3,
      warmupShare: 0.1,
      finalShare: 0.01,
      weightDecay: 0.05,
      labelSmoothing: 0.05,
      emaDecay: 0,
    },
    augmentation: { ...NO_AUGMENTATION, shiftPixels: 1 },
  },
  'cifar10-fast': {
    dataset: 'cifar10',
    seed: 1,
    epochs: 12,
    samples: { train: 0, test: 0, heldOut: 0 },
    evaluation: 'test',
    batch: { global: 128, micro: 16 },
    model: {
      views: ['identity', 'zoom-in', 'zoom-out'],
      ...MULTI_VIEW,
      viewPatchSize: 6,
      patchSize: 4,
      patchStride: 2,
      stemWidth: 48,
      stemDepth: 0,
      merge: 2,
      mergeSize: 4,
      relativeBias: true,
      width: 96,
      depth: 4,
      heads: 4,
      mlpRatio: 2,
      pixels: { mean: [0.4914, 0.4822, 0.4465], stddev: [0.247, 0.2435, 0.2616] },
    },
    optimizer: {
      ...ADAMW,
      peakLearningRate: 2e-3,
      warmupShare: 0.1,
      finalShare: 0.01,
      weightDecay: 0.05,
      labelSmoothing: 0.1,
      emaDecay: 0.998,
    },
    augmentation: { ...NO_AUGMENTATION, shiftPixels: 4, flip: true },
  },
} satisfies Record<string, Preset>;

export type PresetName = keyof typeof PRESETS;

/** The preset that a dataset gets when none is named. */
export const DEFAULT_PRESET: Record<TrainingConfig['dataset'], PresetName> = {
  mnist: 'mnist-fast',
  cifar10: 'cifar10-fast',
};

/** What the operational half of a configuration is when nobody says otherwise. */
export const OPERATION_DEFAULTS: Omit<RunConfig, keyof TrainingConfig | 'run'> = {
  data: 'stream',
  workers: { count: 2, min: 1, max: 256 },
  engine: { name: 'auto', device: 'auto', threads: 0 },
  checkpoint: { everySteps: 200, keep: 3 },
  prefetchSteps: 8,
  bucketBytes: 4 * 1024 * 1024,
  exchange: { transport: 'auto' },
  timeouts: { heartbeatMs: 2_000, stepMs: 10_000, gatherMs: 120_000 },
  nats: { url: 'nats://127.0.0.1:4222' },
  coordinator: { host: '127.0.0.1', port: 0, httpPort: 0 },
};
