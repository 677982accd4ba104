/** CIFAR-100 (Krizhevsky 2009) by its fine labels: photographs of a hundred kinds of things, 500 of each to train on. */
import type { DatasetDefinition } from './definition.js';

/** As fine_label_names.txt of the published archive has them: in the order of the alphabet. */
const FINE_CLASSES =
  'apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can ' +
  'castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin ' +
  'elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster ' +
  'man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck ' +
  'pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk ' +
  'skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger ' +
  'tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm';

export const CIFAR100 = {
  name: 'cifar100',
  title: 'CIFAR-100',
  image: { height: 32, width: 32, channels: 3 },
  classes: FINE_CLASSES.split(' '),
  samples: { train: 50_000, test: 10_000 },
  family: 'cifar10',
  traits: { isMirrorable: true, shows: 'thing', style: 'photo' },
  origin: 'folder',
  files: {
    format: 'cifar-binary',
    train: [{ name: 'train.bin' }],
    test: [{ name: 'test.bin' }],
    // The coarse label of 20 comes first.
    labelBytes: [20, 100],
  },
} as const satisfies DatasetDefinition;
