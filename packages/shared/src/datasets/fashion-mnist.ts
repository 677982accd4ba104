/** Fashion-MNIST (Xiao, Rasul and Vollgraf 2017): articles of clothing. */
import type { DatasetDefinition } from './definition.js';
import { idxFiles } from './idx-files.js';

export const FASHION_MNIST = {
  name: 'fashion-mnist',
  title: 'Fashion-MNIST',
  image: { height: 28, width: 28, channels: 1 },
  classes: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
  samples: { train: 60_000, test: 10_000 },
  family: 'mnist',
  // Its pictures fill the square and are not centred by their mass, so other pictures are not either.
  traits: { isMirrorable: true, shows: 'thing', style: 'photo' },
  origin: 'folder',
  files: idxFiles({ train: 'train', test: 't10k' }),
} as const satisfies DatasetDefinition;
