/**
 * Scores logits on the host: the same few lines serve the evaluation of a run and `facet evaluate`.
 */
export interface ScoreOptions {
  /** [rows, classes]; rows beyond the labels are padding */
  readonly logits: Float32Array;
  /** [count] */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  /** [classes * classes], row = true class, column = answer; counted up in place */
  readonly confusion: Uint32Array;
}

/** Counts every answer into the confusion matrix and returns the summed cross-entropy in nats. */
export function scoreLogits({ logits, labels, classes, confusion }: ScoreOptions): number {
  let lossSum = 0;
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    const scores = logits.subarray(row * classes, (row + 1) * classes);
    let answer = 0;
    for (let c = 1; c < classes; c++) if (scores[c]! > scores[answer]!) answer = c;
    const largest = scores[answer]!;
    let sum = 0;
    for (const score of scores) sum += Math.exp(score - largest);
    lossSum += Math.log(sum) + largest - scores[label]!;
    confusion[label * classes + answer]!++;
  }
  return lossSum;
}
