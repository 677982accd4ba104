/**
 * The checks of CIFAR-10 before it enters the cache: the pinned digests and, independently of them, the facts that the
 * literature states about the dataset. The second check guards against a mistake in a change of the first.
 */
import { TrainingError } from '@facet/shared';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalCifar10Files, CIFAR10_FILES, openCifar10 } from '../cifar10.js';
import type { Dataset, Split } from '../dataset.js';
import { channelStatistics, classCounts } from '../format/statistics.js';

/** Of the training split, RGB in [0, 1]. */
const TRAIN_MEAN = [0.49139968, 0.48215841, 0.44653091];
const TRAIN_STD = [0.24703223, 0.24348513, 0.26158784];
const TOLERANCE = 1e-6;

/**
 * Checks the six batches in a folder and adds SHA256SUMS, which `sha256sum -c` reads; our own opening trusts only the
 * digests in the source.
 *
 * @throws TrainingError DATASET_UNAVAILABLE or DATASET_INVALID when the content is not CIFAR-10.
 */
export async function sealCifar10(folder: string): Promise<void> {
  assertCifar10Facts(await openCifar10(canonicalCifar10Files(folder)));
  const sums = CIFAR10_FILES.map((file) => `${file.digest}  ${file.name}\n`).join('');
  await writeFile(join(folder, 'SHA256SUMS'), sums);
}

/** @throws TrainingError DATASET_INVALID when counts, balance, mean or deviation are not those of CIFAR-10. */
export function assertCifar10Facts({ train, test, image }: Pick<Dataset, 'train' | 'test' | 'image'>): void {
  assertBalanced('train', train, 5000);
  assertBalanced('test', test, 1000);
  const { mean, std } = channelStatistics(train, image.channels);
  assertNear('mean', mean, TRAIN_MEAN);
  assertNear('standard deviation', std, TRAIN_STD);
}

function assertBalanced(name: string, split: Split, expected: number): void {
  const counts = classCounts(split, 10);
  if (counts.every((count) => count === expected)) return;
  throw invalid(`the ${name} split has [${counts.join(', ')}] samples per class, expected ${expected} of each`);
}

function assertNear(what: string, actual: readonly number[], expected: readonly number[]): void {
  if (actual.every((value, i) => Math.abs(value - expected[i]!) <= TOLERANCE)) return;
  const shown = actual.map((value) => value.toFixed(8)).join(', ');
  throw invalid(`the train split has ${what} [${shown}], expected [${expected.join(', ')}] within ${TOLERANCE}`);
}

function invalid(problem: string): TrainingError {
  return new TrainingError('DATASET_INVALID', `this is not CIFAR-10: ${problem}; fetch it from another source`);
}
