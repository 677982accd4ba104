/**
 * Which corruptions there are for which dataset. docs/robustness.md says what is generated otherwise than in the published
 * sets.
 */
import { CIFAR_SET } from './cifar-set.js';
import type { Corruption } from './corruption.js';
import { MNIST_SET } from './mnist-set.js';

export type CorruptionSet = 'mnist' | 'cifar10';

/** Every corruption of a dataset, the benchmark's fifteen first. */
export const CORRUPTIONS: Readonly<Record<CorruptionSet, readonly Corruption[]>> = {
  mnist: MNIST_SET,
  cifar10: CIFAR_SET,
};
