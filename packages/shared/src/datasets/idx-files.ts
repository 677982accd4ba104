/** The names under which successors of MNIST publish their four IDX files. */
import type { DatasetFile, IdxFiles } from './definition.js';

/**
 * The four files of a successor of MNIST. Each name has two spellings in use: train-images-idx3-ubyte, as in the published
 * .gz, and train-images.idx3-ubyte, as some programs write it when they unpack it.
 *
 * @param names - What a file of each split begins with.
 */
export function idxFiles(
  names: { readonly train: string; readonly test: string },
  { firstLabel = 0, isTransposed = false }: Partial<Pick<IdxFiles, 'firstLabel' | 'isTransposed'>> = {},
): IdxFiles {
  return {
    format: 'idx',
    trainImages: twoSpellings(`${names.train}-images`, 'idx3-ubyte'),
    trainLabels: twoSpellings(`${names.train}-labels`, 'idx1-ubyte'),
    testImages: twoSpellings(`${names.test}-images`, 'idx3-ubyte'),
    testLabels: twoSpellings(`${names.test}-labels`, 'idx1-ubyte'),
    firstLabel,
    isTransposed,
  };
}

function twoSpellings(stem: string, ending: string): DatasetFile {
  return { name: `${stem}-${ending}`, otherNames: [`${stem}.${ending}`] };
}
