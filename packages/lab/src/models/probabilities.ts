/**
 * From logits to probabilities and to the answer, in double arithmetic on the host. Pure; the same few lines serve
 * evaluation, prediction and export checks.
 */

/**
 * Softmax over each row.
 *
 * @param logits [rows, classes]
 * @returns [rows, classes], every row adds up to 1
 */
export function softmaxRows(logits: ArrayLike<number>, classes: number): Float64Array {
  const probabilities = Float64Array.from(logits);
  for (let start = 0; start < probabilities.length; start += classes) {
    const row = probabilities.subarray(start, start + classes);
    let largest = -Infinity;
    for (const logit of row) largest = Math.max(largest, logit);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += row[c] = Math.exp(row[c]! - largest);
    for (let c = 0; c < classes; c++) row[c]! /= sum;
  }
  return probabilities;
}

/** The index of the largest value; of equal ones the first. */
export function argMax(row: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}
