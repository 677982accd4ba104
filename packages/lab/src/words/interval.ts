/** Accuracies with how sure they are: the interval that so many samples allow, in the words that pages and terminal share. */
import { wilsonInterval, type Interval } from '@facet/shared';
import { formatAccuracy } from './format.js';

/** `98.75 to 99.15 %`. */
export function intervalText({ low, high }: Interval): string {
  return `${(100 * low).toFixed(2)} to ${formatAccuracy(high)}`;
}

/** The 95 % interval of an accuracy on so many samples; `-` where there are none. */
export function intervalOf(accuracy: number, samples: number): string {
  return samples === 0 ? '-' : intervalText(wilsonInterval(accuracy, samples));
}

/**
 * The interval of a mean accuracy over several versions of the same images, such as corruptions. The share of its versions
 * in which an image is read correctly varies at most as much as right or wrong does, so the interval of one accuracy holds.
 */
export function meanNote(accuracy: number, samples: number): string {
  return `95 % interval within ${intervalOf(accuracy, samples)}`;
}

/** How sure any accuracy of a table is that has no room for intervals: it is widest at one half. */
export function cellNote(samples: number): string {
  const { low, high } = wilsonInterval(0.5, samples);
  return `95 % interval of each: at most ± ${(50 * (high - low)).toFixed(1)} points`;
}
