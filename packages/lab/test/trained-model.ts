/**
 * A stand-in for a trained model: random weights for images of 12x12 pixels, and a dataset folder with as many random
 * samples as a test wants.
 */
import { createModel } from '@facet/multiview';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { OPERATION_DEFAULTS, randomKey, randomStream } from '@facet/shared';
import { PRESETS, type ModelConfig, type MultiView } from '@facet/multiview/config';
import { PROBE_SHAPE } from '../../multiview/test/probe-shape.js';
import type { TrainedModel } from '../src/models/classifier.js';
import { initialWeights, layoutParameters } from '@facet/task';

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'facet-model-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The configuration with another model. */
export function withModel(config: MultiView, model: ModelConfig): MultiView {
  return { ...config, task: { ...config.task, options: { ...config.task.options, model } } };
}

/** A model whose weights are large enough for its answers to differ from each other. */
export function randomModel(changes: Partial<MultiView> = {}, modelConfig = PROBE_SHAPE.config): TrainedModel {
  const { image, classes } = PROBE_SHAPE;
  const layout = layoutParameters(createModel({ image, classes, config: modelConfig }).parameters);
  const stream = randomStream(randomKey('initialisation', 5));
  const weights = initialWeights(layout, 1).map((weight) => 2 * weight + 0.05 * stream.nextNormal());
  const preset = PRESETS['mnist-fast'];
  const config: MultiView = {
    ...preset,
    ...OPERATION_DEFAULTS,
    preset: 'mnist-fast',
    run: 'random',
    batch: { global: 12, micro: 6 },
    task: { ...preset.task, options: { ...preset.task.options, model: modelConfig } },
    ...changes,
  };
  return { config, image, classes, weights, layout: layout.slots };
}

/** Writes an MNIST-like dataset of 12x12 random images. */
export async function writeDataset(folder: string, samples: number): Promise<void> {
  const { height, width } = PROBE_SHAPE.image;
  const stream = randomStream(randomKey('initialisation', 6));
  for (const split of ['train', 't10k']) {
    const images = Buffer.alloc(16 + samples * height * width);
    [0x803, samples, height, width].forEach((word, i) => images.writeUInt32BE(word, 4 * i));
    for (let i = 16; i < images.length; i++) images[i] = stream.nextBelow(256);
    const labels = Buffer.alloc(8 + samples);
    [0x801, samples].forEach((word, i) => labels.writeUInt32BE(word, 4 * i));
    for (let i = 8; i < labels.length; i++) labels[i] = stream.nextBelow(10);
    await writeFile(path.join(folder, `${split}-images-idx3-ubyte`), images);
    await writeFile(path.join(folder, `${split}-labels-idx1-ubyte`), labels);
  }
}
