// `npm run bench -- recipe [--json]`: what the training recipe costs on one core, without an engine: filling micro-batches of
// 32x32 colour images with ever more augmentation, and the average of the weights beside AdamW. CPU time, the best of several
// turns, so that a busy machine does not count.

import { parseArgs } from 'node:util';
import { NO_AUGMENTATION, PRESETS, stateCrc } from '../packages/shared/dist/index.js';
import { allocateMicroBatch, fillMicroBatch } from '../packages/worker/dist/data/micro-batch.js';
import { applyAdamW } from '../packages/worker/dist/train/adamw.js';
import { updateAverage } from '../packages/worker/dist/train/weight-average.js';
import { publish } from './lib/figures.mjs';

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const IMAGE = { height: 32, width: 32, channels: 3 };
const SIZE = 32;
const TURNS = 20;
const CROP = { shiftPixels: 4, flip: true, padding: 'reflect' };
const EVERYTHING = {
  ...CROP,
  rotateDegrees: 10,
  scaleShare: 0.1,
  randAugment: { operations: 2, magnitude: 9 },
  cutoutPixels: 8,
  mixup: { share: 0.5, alpha: 0.2 },
  cutmix: { share: 0.5 },
};
const RECIPES = {
  none: {},
  'crop and flip': CROP,
  'rotation and scale': { rotateDegrees: 10, scaleShare: 0.1 },
  'RandAugment, 2 operations': { randAugment: { operations: 2, magnitude: 9 } },
  cutout: { cutoutPixels: 8 },
  mixup: { mixup: { share: 1, alpha: 0.2 } },
  cutmix: { cutmix: { share: 1 } },
  everything: EVERYTHING,
};

/** CPU milliseconds of one call, the best turn of many calls. */
function cpuMilliseconds(calls, call) {
  let best = Infinity;
  for (let turn = 0; turn < TURNS; turn++) {
    const startedAt = process.cpuUsage();
    for (let i = 0; i < calls; i++) call(turn * calls + i);
    const { user, system } = process.cpuUsage(startedAt);
    best = Math.min(best, (user + system) / 1_000 / calls);
  }
  return best;
}

function imagesPerSecond(recipe) {
  const tensors = allocateMicroBatch(SIZE, IMAGE, 10);
  const samples = {
    ids: Uint32Array.from({ length: SIZE }, (_, i) => i * 1_543),
    labels: Uint8Array.from({ length: SIZE }, (_, i) => i % 10),
    pixels: Uint8Array.from({ length: SIZE * 3_072 }, () => Math.random() * 256),
  };
  const augmentation = { recipe: { ...NO_AUGMENTATION, ...recipe }, pixelMean: [0.5, 0.5, 0.5], step: 1 };
  const fill = (index) => {
    const of = { image: IMAGE, classes: 10, seed: 1, epoch: index, augmentation: { ...augmentation, index } };
    fillMicroBatch(tensors, samples, of);
  };
  return Math.round((SIZE * 1_000) / cpuMilliseconds(30, fill));
}

/** Milliseconds per million parameters. */
function update() {
  const length = 1_000_000;
  const random = () => Float32Array.from({ length }, () => Math.random() - 0.5);
  const [weights, gradient, ema] = [random(), random(), random()];
  const state = { weights, m: new Float32Array(length), v: new Float32Array(length) };
  const layout = { slots: [{ offset: 0, length, decays: true }], length };
  const config = PRESETS['mnist-fast'].optimizer;
  const engine = new Float32Array(length);
  return {
    adamw: cpuMilliseconds(3, (i) => {
      applyAdamW(state, gradient, { config, layout, step: i + 1, totalSteps: 1_000, gradientScale: 1 });
    }),
    average: cpuMilliseconds(3, () => updateAverage(ema, weights, 0.999)),
    checksumOfAverage: cpuMilliseconds(3, () => stateCrc({ weights: ema })),
    copyToEngine: cpuMilliseconds(3, () => engine.set(weights)),
  };
}

const fill = Object.fromEntries(Object.entries(RECIPES).map(([name, recipe]) => [name, imagesPerSecond(recipe)]));
const milliseconds = Object.fromEntries(Object.entries(update()).map(([name, ms]) => [name, Number(ms.toFixed(2))]));
const rows = [
  ...Object.entries(fill).map(([name, value]) => ({ what: name, value, unit: 'images/s' })),
  ...Object.entries(milliseconds).map(([name, value]) => ({ what: name, value, unit: 'ms per million parameters' })),
];
publish({ bench: 'recipe', rows, figures: {}, ratios: {}, isJson: options.json });
