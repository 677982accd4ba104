/**
 * Filling micro-batches of 32x32 colour images with ever more augmentation, the average of the weights beside AdamW, and the
 * seal of the message that brings a micro-batch of MNIST. CPU time, the best of several turns, so that a busy machine does not count.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { momentsCrc, SHARD_SEAL_BYTES, ShardSeal, stateCrc } from '@facet/shared';
import { NO_AUGMENTATION, PRESETS, type AugmentationConfig } from '@facet/multiview/config';
import { applyUpdate, learningRate, updateAverage } from '@facet/task';
import { asGradient } from '@facet/task/internal';
import { allocateMicroBatch, fillMicroBatch } from '@facet/multiview';
import type { Run } from '../bench.js';
import type { RecipeOptions, RecipeRow } from './definition.js';

const IMAGE = { height: 32, width: 32, channels: 3 } as const;
const CLASSES = 10;
const SIZE = 32;
const FILLS_PER_TURN = 30;
const UPDATES_PER_TURN = 3;
const PARAMETERS = 1_000_000;
/** 32 images of MNIST. */
const SHARD_BYTES = SIZE * 784 + SHARD_SEAL_BYTES;
const SEALS_PER_TURN = 200;

const CROP = { shiftPixels: 4, flip: true, padding: 'reflect' } as const;
const RECIPES: Readonly<Record<string, Partial<AugmentationConfig>>> = {
  none: {},
  'crop and flip': CROP,
  'rotation and scale': { rotateDegrees: 10, scaleShare: 0.1 },
  'RandAugment, 2 operations': { randAugment: { operations: 2, magnitude: 9 } },
  cutout: { cutoutPixels: 8 },
  mixup: { mixup: { share: 1, alpha: 0.2 } },
  cutmix: { cutmix: { share: 1 } },
  everything: {
    ...CROP,
    rotateDegrees: 10,
    scaleShare: 0.1,
    randAugment: { operations: 2, magnitude: 9 },
    cutoutPixels: 8,
    mixup: { share: 0.5, alpha: 0.2 },
    cutmix: { share: 0.5 },
  },
};

/** Something to be called again and again, so many times a turn. */
interface Measured {
  readonly calls: number;
  readonly call: (index: number) => void;
}

export const runRecipe: Run<RecipeOptions, RecipeRow, Record<string, never>, Record<string, never>> = async (
  { turns },
  { signal },
) => {
  const rows: RecipeRow[] = [];
  for (const [what, recipe] of Object.entries(RECIPES)) {
    const milliseconds = await cpuMilliseconds(filling(recipe), turns, signal);
    rows.push({ what, value: Math.round((SIZE * 1_000) / milliseconds), unit: 'images/s' });
  }
  for (const [what, update] of Object.entries(updates())) {
    const milliseconds = await cpuMilliseconds(update, turns, signal);
    const value = Number(((milliseconds * 1e6) / PARAMETERS).toFixed(2));
    rows.push({ what, value, unit: 'ms per million parameters' });
  }
  for (const [what, sealing] of Object.entries(seals())) {
    const milliseconds = await cpuMilliseconds(sealing, turns, signal);
    rows.push({ what, value: Math.round(SHARD_BYTES / 1_000 / milliseconds), unit: 'MB/s' });
  }
  return { rows, figures: {}, ratios: {} };
};

/** CPU milliseconds of one call, the best turn of many calls. */
async function cpuMilliseconds({ calls, call }: Measured, turns: number, signal: AbortSignal): Promise<number> {
  let best = Infinity;
  for (let turn = 0; turn < turns; turn++) {
    await nextTurn();
    signal.throwIfAborted();
    const startedAt = process.cpuUsage();
    for (let i = 0; i < calls; i++) call(turn * calls + i);
    const { user, system } = process.cpuUsage(startedAt);
    best = Math.min(best, (user + system) / 1_000 / calls);
  }
  return best;
}

/** Filling one micro-batch. */
function filling(recipe: Partial<AugmentationConfig>): Measured {
  const tensors = allocateMicroBatch(SIZE, IMAGE, CLASSES);
  const samples = {
    ids: Uint32Array.from({ length: SIZE }, (_, i) => i * 1_543),
    labels: Uint8Array.from({ length: SIZE }, (_, i) => i % CLASSES),
    pixels: Uint8Array.from({ length: SIZE * 3_072 }, () => Math.random() * 256),
  };
  const augmentation = { recipe: { ...NO_AUGMENTATION, ...recipe }, pixelMean: [0.5, 0.5, 0.5], step: 1 };
  return {
    calls: FILLS_PER_TURN,
    call(index) {
      const of = { image: IMAGE, classes: CLASSES, seed: 1, epoch: index, augmentation: { ...augmentation, index } };
      fillMicroBatch(tensors, samples, of);
    },
  };
}

/** What an update consists of. */
function updates(): Record<string, Measured> {
  const random = (): Float32Array => Float32Array.from({ length: PARAMETERS }, () => Math.random() - 0.5);
  const [weights, values, ema] = [random(), random(), random()];
  const gradient = asGradient(values, PARAMETERS);
  const state = { weights, m: new Float32Array(PARAMETERS), v: new Float32Array(PARAMETERS) };
  const slot = {
    name: 'weights',
    shape: [PARAMETERS],
    initialiser: { kind: 'constant', value: 0 },
    decays: true,
    offset: 0,
    length: PARAMETERS,
  } as const;
  const layout = { slots: [slot], length: PARAMETERS };
  const config = PRESETS['mnist-fast'].optimizer;
  const engine = new Float32Array(PARAMETERS);
  const calls = UPDATES_PER_TURN;
  return {
    adamw: {
      calls,
      call(index) {
        const step = (index % 1_000) + 1;
        applyUpdate(state, gradient, {
          config,
          layout,
          step,
          rate: learningRate(config, step, 1_000),
          gradientScale: 1,
        });
      },
    },
    average: { calls, call: () => updateAverage(ema, weights, 0.999) },
    checksumOfWeights: { calls, call: () => void stateCrc(state) },
    checksumOfMoments: { calls, call: () => void momentsCrc(state) },
    checksumOfAverage: { calls, call: () => void stateCrc({ weights: ema }) },
    copyToEngine: { calls, call: () => engine.set(weights) },
  };
}

/** What coordinator and worker do to every shard. */
function seals(): Record<string, Measured> {
  const seal = new ShardSeal(new Uint8Array(32));
  const message = Uint8Array.from({ length: SHARD_BYTES }, () => Math.random() * 256);
  const sealed = seal.seal(message.slice());
  const calls = SEALS_PER_TURN;
  return {
    sealShard: { calls, call: (index) => void [seal.seal(message), seal.idOf(String(index))] },
    openShard: { calls, call: () => void seal.open(sealed) },
  };
}
