/**
 * Which images of a dataset a run trains on, which it evaluates, and which it holds out. The held-out images are the last
 * ones of one fixed shuffle of the whole training split. So they are the same for every run, whatever its seed and however
 * few images it trains on. Choices made on them are comparable, and no run has trained on them.
 */
import { TrainingError } from '../errors.js';
import { randomKey, shuffled } from '../random.js';

/** How many images each split of the dataset has. */
export interface SplitSizes {
  readonly trainSamples: number;
  readonly testSamples: number;
}

/** The part of a configuration that chooses images. For `train` and `test` 0 means the whole split. */
export interface SampleChoice {
  readonly train: number;
  readonly test: number;
  readonly heldOut: number;
}

export interface ChosenSamples {
  /** The first so many ids of the training split that are not held out are trained on. */
  readonly trainSamples: number;
  /** Images of the test split that are evaluated: 0 to testSamples - 1. */
  readonly testSamples: number;
  /** Ids in the training split that are never trained on, ascending. */
  readonly heldOut: Uint32Array;
}

/** What is wrong with a choice for a dataset of these sizes; one sentence per key. */
export function sampleProblems({ train, test, heldOut }: SampleChoice, sizes: SplitSizes, dataset: string): string[] {
  const { trainSamples, testSamples } = sizes;
  const problems: string[] = [];
  if (heldOut >= trainSamples) {
    problems.push(`samples.heldOut: ${heldOut}, expected fewer than the ${trainSamples} training images of ${dataset}`);
  } else if (train > trainSamples - heldOut) {
    const rest = heldOut === 0 ? 'has no more' : `has no more beside the ${heldOut} that are held out`;
    problems.push(`samples.train: ${train}, expected at most ${trainSamples - heldOut}: ${dataset} ${rest}`);
  }
  if (test > testSamples) {
    problems.push(`samples.test: ${test}, expected at most ${testSamples}: ${dataset} has no more`);
  }
  return problems;
}

/**
 * Chooses the images of a run.
 *
 * @throws TrainingError CONFIG_INVALID when the dataset has too few.
 */
export function chooseSamples(choice: SampleChoice, sizes: SplitSizes): ChosenSamples {
  const problems = sampleProblems(choice, sizes, 'the dataset');
  if (problems.length > 0) throw new TrainingError('CONFIG_INVALID', problems.join('; '));
  const { trainSamples: total } = sizes;
  const trainSamples = choice.train === 0 ? total - choice.heldOut : choice.train;
  const testSamples = choice.test === 0 ? sizes.testSamples : choice.test;
  const heldOut = shuffled(randomKey('held-out'), choice.heldOut === 0 ? 0 : total)
    .slice(total - choice.heldOut)
    .sort();
  return { trainSamples, testSamples, heldOut };
}

/** The first `count` ids that are not among the excluded ones, which are ascending. */
export function idsWithout(excluded: Uint32Array, count: number): Uint32Array {
  const ids = new Uint32Array(count);
  let next = 0;
  let id = 0;
  for (let i = 0; i < count; id++) {
    if (excluded[next] === id) next++;
    else ids[i++] = id;
  }
  return ids;
}
