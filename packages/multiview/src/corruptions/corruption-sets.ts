/**
 * Which corruptions there are for which family of datasets. docs/robustness.md says what is generated otherwise than in the published
 * sets.
 */
import type { DatasetFamily } from '@facet/shared';
import { CIFAR_SET } from './cifar-set.js';
import type { Corruption } from './corruption.js';
import { MNIST_SET } from './mnist-set.js';

/** Every corruption for a family of datasets, the benchmark's fifteen first. */
export const CORRUPTIONS: Readonly<Record<DatasetFamily, readonly Corruption[]>> = {
  mnist: MNIST_SET,
  cifar10: CIFAR_SET,
};
