import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readTrainedWeights, writeCheckpoint, type TrainedWeights } from '@facet/storage';
import { OPERATION_DEFAULTS, type CheckpointInfo } from '@facet/shared';
import { PRESETS } from '@facet/multiview/config';
import { modelOf } from './trained-model.js';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'facet-model-of-'));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** A checkpoint of a run on files of one's own, whose folder has moved since. */
async function checkpointOf(step: number, info: Partial<CheckpointInfo>): Promise<TrainedWeights> {
  const dataFolder = path.join(folder, 'moved');
  const values = new Float32Array(4);
  const { path: written } = await writeCheckpoint({
    folder: path.join(folder, 'checkpoints'),
    state: { step, weights: values, m: values, v: values },
    layout: [{ name: 'head.bias', shape: [4], offset: 0, length: 4 }],
    info: {
      run: 'own-files',
      step,
      epoch: 0,
      config: { ...PRESETS['mnist-fast'], ...OPERATION_DEFAULTS, preset: 'mnist-fast', run: 'own-files', dataFolder },
      codeVersion: 'test',
      ledgerStep: step,
      metrics: {},
      at: '2026-03-01T12:00:00.000Z',
      ...info,
    },
  });
  return readTrainedWeights(written);
}

it('takes the size of the images from the checkpoint: the folder of its dataset may have moved', async () => {
  const image = { height: 12, width: 12, channels: 1 };
  const { model } = await modelOf(await checkpointOf(1, { image }));
  expect(model.image).toEqual(image);
});

it('takes images of the published size for a checkpoint that does not say it', async () => {
  const { model } = await modelOf(await checkpointOf(2, {}));
  expect(model.image).toEqual({ height: 28, width: 28, channels: 1 });
});
