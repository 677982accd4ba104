/**
 * Accuracy under corruption: generated here, or read from published files. One corruption at one severity is in memory at
 * a time.
 */
import { TrainingError, type DatasetFamily } from '@facet/shared';
import type { CorruptionFolder, Split } from '@facet/datasets';
import { answerOf, type Oracle, rowOf, type AttackSamples, corrupt, SEVERITIES, CORRUPTIONS } from '@facet/multiview';
import type { CorruptionsReport } from './report.js';
import { chooseIds, samplesOf } from './samples.js';

/** Which corruptions to evaluate. */
export type CorruptionChoice =
  | { readonly kind: 'none' }
  /** Those of a list, or the benchmark's fifteen. */
  | { readonly kind: 'generated'; readonly names: readonly string[] | 'standard' }
  | { readonly kind: 'folder'; readonly folder: CorruptionFolder };

/** Every corruption that can be generated for a family of datasets, by name; the benchmark's fifteen first. */
export function corruptionNames(set: DatasetFamily): string[] {
  return CORRUPTIONS[set].map(({ name }) => name);
}

export interface CorruptionContext {
  readonly oracle: Oracle;
  readonly samples: AttackSamples;
  readonly set: DatasetFamily;
  readonly seed: number;
  readonly onProgress: (stage: string, done: number, total: number) => void;
}

/**
 * Evaluates corruptions; null for none.
 *
 * @throws TrainingError CONFIG_INVALID for a name that is no corruption of the dataset; DATASET_INVALID for damaged files.
 */
export async function evaluateCorruptions(
  context: CorruptionContext,
  choice: CorruptionChoice,
): Promise<CorruptionsReport | null> {
  switch (choice.kind) {
    case 'none':
      return null;
    case 'generated':
      return summarise('generated', await evaluateGenerated(context, choice.names));
    case 'folder':
      return summarise(choice.folder.folder, await evaluateFolder(context, choice.folder));
    default:
      return choice satisfies never;
  }
}

type Results = CorruptionsReport['results'];

function summarise(source: string, results: Results): CorruptionsReport {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanAccuracy = mean(results.map(({ accuracies }) => mean(accuracies)));
  return { source, results, meanAccuracy, meanError: 1 - meanAccuracy };
}

async function evaluateGenerated(
  { oracle, samples, set, seed, onProgress }: CorruptionContext,
  names: readonly string[] | 'standard',
): Promise<Results> {
  const chosen =
    names === 'standard' ? CORRUPTIONS[set].filter(({ isStandard }) => isStandard) : names.map(byName(set));
  const { image } = oracle;
  const size = samples.images.length / samples.labels.length;
  const results: { name: string; accuracies: number[] }[] = [];
  for (const [index, corruption] of chosen.entries()) {
    const accuracies: number[] = [];
    for (const severity of SEVERITIES) {
      const images = new Float32Array(samples.images.length);
      samples.ids.forEach((id, i) => {
        const picture = { image, pixels: rowOf(samples.images, i, size) };
        images.set(corrupt(corruption, picture, { seed, id, severity }).pixels, i * size);
      });
      accuracies.push(await accuracyOn(oracle, { ...samples, images }));
    }
    results.push({ name: corruption.name, accuracies });
    onProgress(corruption.name, index + 1, chosen.length);
  }
  return results;
}

const byName = (set: DatasetFamily) => (name: string) => {
  const corruption = CORRUPTIONS[set].find((candidate) => candidate.name === name);
  if (corruption !== undefined) return corruption;
  const expected = corruptionNames(set).join(', ');
  throw new TrainingError('CONFIG_INVALID', `there is no corruption '${name}' for ${set}; expected one of ${expected}`);
};

async function evaluateFolder(
  { oracle, samples, seed, onProgress }: CorruptionContext,
  folder: CorruptionFolder,
): Promise<Results> {
  const results: { name: string; accuracies: number[] }[] = [];
  for (const [index, name] of folder.names.entries()) {
    const accuracies: number[] = [];
    for (const split of await folder.read(name)) {
      accuracies.push(await accuracyOn(oracle, publishedSamples(split, oracle, samples, seed)));
    }
    results.push({ name, accuracies });
    onProgress(name, index + 1, folder.names.length);
  }
  return results;
}

/** Published sets keep the order of the test split, so the chosen ids are good for them too, unless a set is smaller. */
function publishedSamples(split: Split, { image }: Oracle, { ids }: AttackSamples, seed: number): AttackSamples {
  const isCovered = ids.every((id) => id < split.count);
  return samplesOf(split, image, isCovered ? ids : chooseIds(split.count, ids.length, seed));
}

async function accuracyOn(oracle: Oracle, { images, labels }: AttackSamples): Promise<number> {
  const logits = await oracle.logits(images);
  const right = labels.filter((label, i) => answerOf(rowOf(logits, i, oracle.classes)) === label);
  return right.length / labels.length;
}
