/** The arithmetic of figures: quantiles, ratios, rounding, and the keys under which a report holds them. */

/** The value below which a share of the sorted values lies. At least one value. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = sort(values);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/** The middle value, or halfway between the two in the middle: the upper one alone would flatter every ratio. At least one value. */
export function median(values: readonly number[]): number {
  const sorted = sort(values);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
}

/** What two things measured in the same turns are to each other: turn by turn, because a machine is not the same for long. */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  return median(numerators.map((value, turn) => value / denominators[turn]!));
}

/** Three significant digits: no bench knows more. */
export function round(value: number): number {
  return Number(value.toPrecision(3));
}

/** A name made of words as the key of a figure: `mnist-fast`, `host ms` -> `mnistFastHostMs`. */
export function figureKey(...names: readonly string[]): string {
  const [first = '', ...rest] = names.join(' ').split(/[^a-zA-Z0-9]+/);
  return first + rest.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function sort(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('no values were measured, expected at least one');
  return [...values].sort((a, b) => a - b);
}
