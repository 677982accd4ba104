/** The datasets there are. To add one of a known file format: write its definition, and add it to the list. */
import { CIFAR10 } from './cifar10.js';
import { CIFAR100 } from './cifar100.js';
import type { DatasetDefinition } from './definition.js';
import { EMNIST_BALANCED, EMNIST_DIGITS, EMNIST_LETTERS } from './emnist.js';
import { FASHION_MNIST } from './fashion-mnist.js';
import { KMNIST } from './kmnist.js';
import type { DatasetShape } from '../image-shape.js';
import { MNIST } from './mnist.js';

/** Every definition, in the order to show to people. */
const DEFINITIONS = [
  MNIST,
  CIFAR10,
  FASHION_MNIST,
  KMNIST,
  EMNIST_BALANCED,
  EMNIST_DIGITS,
  EMNIST_LETTERS,
  CIFAR100,
] as const satisfies readonly DatasetDefinition[];

export type DatasetName = (typeof DEFINITIONS)[number]['name'];

/** Every {@link DatasetName}, in the order to show to people. */
export const DATASETS: readonly DatasetName[] = DEFINITIONS.map(({ name }) => name);

/** The definition of one of {@link DATASETS}. */
export type KnownDataset = DatasetDefinition & { readonly name: DatasetName };

const BY_NAME: ReadonlyMap<string, KnownDataset> = new Map(
  DEFINITIONS.map((definition) => [definition.name, definition]),
);

/** The definition of a dataset; undefined for a name that a caller outside the type system made up. */
export function findDataset(name: string): KnownDataset | undefined {
  return BY_NAME.get(name);
}

/** The definition of a dataset. */
export function datasetDefinition(name: DatasetName): KnownDataset {
  return BY_NAME.get(name)!;
}

/** The shape of the samples of a dataset. The user's own IDX files may differ in height and width. */
export function datasetShape(name: DatasetName): DatasetShape {
  const { image, classes } = datasetDefinition(name);
  return { image, classes: classes.length };
}
