/**
 * EMNIST (Cohen et al. 2017): handwritten digits and letters. Three of its splits, each a dataset of its own. Its files store
 * an image column by column, and the labels of the letters begin at 1.
 */
import type { DatasetDefinition } from './definition.js';
import { idxFiles } from './idx-files.js';

const DIGITS = [...'0123456789'];
const LETTERS = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
/** Small letters that do not look like their capitals; the others are in the classes of the capitals. */
const DISTINCT_SMALL_LETTERS = [...'abdefghnqrt'];

const COMMON = {
  image: { height: 28, width: 28, channels: 1 },
  family: 'mnist',
  traits: { isMirrorable: false, shows: 'character', style: 'digit' },
  origin: 'folder',
} as const;

export const EMNIST_BALANCED = {
  ...COMMON,
  name: 'emnist-balanced',
  title: 'EMNIST Balanced',
  classes: [...DIGITS, ...LETTERS, ...DISTINCT_SMALL_LETTERS],
  samples: { train: 112_800, test: 18_800 },
  files: idxFiles({ train: 'emnist-balanced-train', test: 'emnist-balanced-test' }, { isTransposed: true }),
} as const satisfies DatasetDefinition;

export const EMNIST_DIGITS = {
  ...COMMON,
  name: 'emnist-digits',
  title: 'EMNIST Digits',
  classes: DIGITS,
  samples: { train: 240_000, test: 40_000 },
  traits: { ...COMMON.traits, shows: 'digit' },
  files: idxFiles({ train: 'emnist-digits-train', test: 'emnist-digits-test' }, { isTransposed: true }),
} as const satisfies DatasetDefinition;

export const EMNIST_LETTERS = {
  ...COMMON,
  name: 'emnist-letters',
  title: 'EMNIST Letters',
  classes: LETTERS,
  samples: { train: 124_800, test: 20_800 },
  files: idxFiles(
    { train: 'emnist-letters-train', test: 'emnist-letters-test' },
    { firstLabel: 1, isTransposed: true },
  ),
} as const satisfies DatasetDefinition;
