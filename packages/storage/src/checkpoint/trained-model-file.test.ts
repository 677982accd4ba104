import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeSafetensors,
  OPERATION_DEFAULTS,
  toTensors,
  type CheckpointInfo,
  type ParameterLayout,
} from '@facet/shared';
import { SYSTEM_TRAINING } from '../../../../test/testkit/system-training.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeCheckpoint } from './checkpoint-store.js';
import { readCheckpoint, readTrainedWeights } from './read-checkpoint.js';
import { formatModelRunFile } from './trained-model-file.js';

const layout: ParameterLayout[] = [{ name: 'head.bias', shape: [4], offset: 0, length: 4 }];
const image = { height: 28, width: 28, channels: 1 };
const training = SYSTEM_TRAINING;
const info: CheckpointInfo = {
  run: 'demo',
  step: 3,
  epoch: 1,
  config: { ...training, ...OPERATION_DEFAULTS, run: 'demo' },
  codeVersion: '0.1.0',
  ledgerStep: 3,
  metrics: { testAccuracy: 0.99 },
  at: '2026-03-01T12:00:00.000Z',
};
const weights = Float32Array.of(1, 2, 3, 4);
const ema = Float32Array.of(5, 6, 7, 8);

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'facet-trained-'));
});
afterEach(() => rm(root, { recursive: true }));

async function writeRun(average?: Float32Array): Promise<string> {
  const state = { step: 3, weights, m: weights, v: weights, ...(average !== undefined && { ema: average }) };
  return (await writeCheckpoint({ folder: join(root, 'checkpoints'), state, layout, info })).path;
}

async function writeModel(): Promise<string> {
  const trained = await readTrainedWeights(await writeRun(ema));
  const folder = join(root, 'model');
  const file = encodeSafetensors({ tensors: toTensors(trained.weights, layout), metadata: {} });
  await mkdir(folder);
  await writeFile(join(folder, 'model.safetensors'), file);
  await writeFile(join(folder, 'run.json'), await formatModelRunFile({ trained, image, modelFile: file }));
  return folder;
}

describe('trained weights', () => {
  it('of a checkpoint are the average where the run keeps one, else the last', async () => {
    const averaged = await readTrainedWeights(await writeRun(ema));
    expect(averaged).toMatchObject({ weights: ema, evaluatedWeights: 'average' });
    await rm(join(root, 'checkpoints'), { recursive: true });
    expect(await readTrainedWeights(await writeRun())).toMatchObject({ weights, evaluatedWeights: 'last' });
  });

  it('come back from a folder that holds nothing else, with where they come from', async () => {
    expect(await readTrainedWeights(await writeModel())).toMatchObject({
      weights: ema,
      evaluatedWeights: 'average',
      info: { ...info, config: training, image },
      layout,
    });
  });

  it('cannot be resumed from, and it is said why', async () => {
    await expect(readCheckpoint(await writeModel())).rejects.toMatchObject({
      code: 'CHECKPOINT_INCOMPATIBLE',
      message: expect.stringContaining('without the state of its optimizer') as string,
    });
  });

  it('that were changed are named', async () => {
    const file = join(await writeModel(), 'model.safetensors');
    const bytes = await readFile(file);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(file, bytes);
    await expect(readTrainedWeights(join(root, 'model'))).rejects.toThrow(/model\.safetensors has SHA-256 .*expected/);
  });
});
