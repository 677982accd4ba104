/**
 * The histogram of a parameter: values counted in bins of equal width between the smallest and the largest one. Nothing is
 * smoothed, sampled or clipped. A value that is no finite number has no bin; `others` counts it.
 */

const BINS = 30;

export interface Histogram {
  readonly min: number;
  readonly max: number;
  /** Finite values. */
  readonly count: number;
  readonly sum: number;
  readonly sumOfSquares: number;
  /** Upper limits of the bins, ascending; the last one is `max`. A value belongs to the first bin whose limit it does not pass. */
  readonly limits: readonly number[];
  readonly counts: readonly number[];
  /** Values that are NaN or infinite. */
  readonly others: number;
}

/** The histogram of some values; undefined when none of them is a finite number. */
export function histogramOf(values: Float32Array): Histogram | undefined {
  let [min, max, count, sum, sumOfSquares] = [Infinity, -Infinity, 0, 0, 0];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    count += 1;
    sum += value;
    sumOfSquares += value * value;
  }
  if (count === 0) return undefined;
  const bins = min === max ? 1 : BINS;
  const limits = Array.from({ length: bins }, (_, bin) =>
    bin === bins - 1 ? max : min + ((max - min) * (bin + 1)) / bins,
  );
  const counts = new Array<number>(bins).fill(0);
  for (const value of values) {
    if (Number.isFinite(value)) counts[binOf(value, limits, min)]! += 1;
  }
  return { min, max, count, sum, sumOfSquares, limits, counts, others: values.length - count };
}

/** The first bin whose limit a value does not pass; the guess may be one off, because limits are rounded. */
function binOf(value: number, limits: readonly number[], min: number): number {
  const last = limits.length - 1;
  const width = limits[last]! - min;
  let bin = width === 0 ? 0 : Math.min(last, Math.floor(((value - min) / width) * limits.length));
  while (bin > 0 && value <= limits[bin - 1]!) bin -= 1;
  while (bin < last && value > limits[bin]!) bin += 1;
  return bin;
}
