/** Kuzushiji-MNIST (Clanuwat et al. 2018): ten cursive hiragana, named by their modern reading. */
import type { DatasetDefinition } from './definition.js';
import { idxFiles } from './idx-files.js';

export const KMNIST = {
  name: 'kmnist',
  title: 'KMNIST',
  image: { height: 28, width: 28, channels: 1 },
  classes: ['o', 'ki', 'su', 'tsu', 'na', 'ha', 'ma', 'ya', 're', 'wo'],
  samples: { train: 60_000, test: 10_000 },
  family: 'mnist',
  traits: { isMirrorable: false, shows: 'character', style: 'digit' },
  origin: 'folder',
  files: idxFiles({ train: 'train', test: 't10k' }),
} as const satisfies DatasetDefinition;
