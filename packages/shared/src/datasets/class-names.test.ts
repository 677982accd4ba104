/**
 * Class names against what was published. MNIST, Fashion-MNIST, KMNIST and EMNIST: the classes in torchvision/datasets/mnist.py,
 * which follow the papers. CIFAR-100: the table of superclasses at https://www.cs.toronto.edu/~kriz/cifar.html with the spelling
 * of the archive's meta file, whose fine labels are in alphabetical order.
 */
import { expect, it } from 'vitest';
import { datasetDefinition, DATASETS, type DatasetName } from './registry.js';

const DIGITS = '0 1 2 3 4 5 6 7 8 9';

/** One label a word; names of Fashion-MNIST are separated by commas. */
const PUBLISHED: Readonly<Record<Exclude<DatasetName, 'cifar100'>, readonly string[]>> = {
  mnist: DIGITS.split(' '),
  cifar10: 'airplane automobile bird cat deer dog frog horse ship truck'.split(' '),
  'fashion-mnist': 'T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot'.split(','),
  kmnist: 'o ki su tsu na ha ma ya re wo'.split(' '),
  // Everything but the fifteen small letters that look like their capitals, in the order of ASCII.
  'emnist-balanced': [...`${DIGITS} ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz`]
    .filter((character) => !' cijklmopsuvwxyz'.includes(character))
    .sort(),
  'emnist-digits': DIGITS.split(' '),
  // Capital and small letters together: the paper's mapping file gives both for every label.
  'emnist-letters': [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'],
};

const CIFAR100_BY_SUPERCLASS = [
  'beaver dolphin otter seal whale',
  'aquarium_fish flatfish ray shark trout',
  'orchid poppy rose sunflower tulip',
  'bottle bowl can cup plate',
  'apple mushroom orange pear sweet_pepper',
  'clock keyboard lamp telephone television',
  'bed chair couch table wardrobe',
  'bee beetle butterfly caterpillar cockroach',
  'bear leopard lion tiger wolf',
  'bridge castle house road skyscraper',
  'cloud forest mountain plain sea',
  'camel cattle chimpanzee elephant kangaroo',
  'fox porcupine possum raccoon skunk',
  'crab lobster snail spider worm',
  'baby boy girl man woman',
  'crocodile dinosaur lizard snake turtle',
  'hamster mouse rabbit shrew squirrel',
  'maple_tree oak_tree palm_tree pine_tree willow_tree',
  'bicycle bus motorcycle pickup_truck train',
  'lawn_mower rocket streetcar tank tractor',
];

it.each(Object.entries(PUBLISHED))(
  '%s has the classes that were published, in the order of the labels',
  (name, classes) => {
    expect(datasetDefinition(name as DatasetName).classes).toEqual(classes);
  },
);

it('CIFAR-100 has the classes that were published, in alphabetical order', () => {
  const published = CIFAR100_BY_SUPERCLASS.flatMap((names) => names.split(' '));
  expect(published).toHaveLength(100);
  expect(datasetDefinition('cifar100').classes).toEqual(published.sort());
});

it('every dataset is compared', () => {
  expect([...Object.keys(PUBLISHED), 'cifar100'].sort()).toEqual([...DATASETS].sort());
});
