/**
 * The smallest run that has everything: 64 training and 20 test images of random bytes in a folder, four steps an epoch,
 * four micro-batches a step, two epochs.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OPERATION_DEFAULTS, type RunConfig } from '@facet/shared';
import { SYSTEM_TRAINING } from '../../../test/testkit/system-training.js';

const TRAIN_SAMPLES = 64;
const TEST_SAMPLES = 20;
const SIDE = 28;

export interface TinyRun {
  readonly folder: string;
  readonly runFolder: string;
  config(changes?: Partial<RunConfig>): RunConfig;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function createTinyRun(natsUrl: string): Promise<TinyRun> {
  const folder = await mkdtemp(join(tmpdir(), 'facet-run-'));
  const dataFolder = join(folder, 'data');
  await mkdir(dataFolder);
  await writeSplit(dataFolder, 'train', TRAIN_SAMPLES);
  await writeSplit(dataFolder, 't10k', TEST_SAMPLES);
  return {
    folder,
    runFolder: join(folder, 'run'),
    config: (changes = {}) => ({
      ...SYSTEM_TRAINING,
      ...OPERATION_DEFAULTS,
      run: 'tiny',
      epochs: 2,
      samples: { train: 0, test: 0, heldOut: 0 },
      batch: { global: 16, micro: 4 },
      dataFolder,
      workers: { count: 2, min: 1, max: 8 },
      timeouts: { heartbeatMs: 1_500, stepMs: 5_000, gatherMs: 20_000 },
      prefetchSteps: 2,
      nats: { url: natsUrl },
      ...changes,
    }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

async function writeSplit(folder: string, name: string, count: number): Promise<void> {
  const images = Buffer.alloc(16 + count * SIDE * SIDE, 7);
  [0x803, count, SIDE, SIDE].forEach((word, i) => images.writeUInt32BE(word, 4 * i));
  for (let i = 0; i < count; i++) images[16 + i * SIDE * SIDE] = i;
  const labels = Buffer.alloc(8 + count);
  [0x801, count].forEach((word, i) => labels.writeUInt32BE(word, 4 * i));
  for (let i = 0; i < count; i++) labels[8 + i] = i % 10;
  await writeFile(join(folder, `${name}-images-idx3-ubyte`), images);
  await writeFile(join(folder, `${name}-labels-idx1-ubyte`), labels);
}
