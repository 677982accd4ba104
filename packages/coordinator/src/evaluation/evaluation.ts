/**
 * Merges the ranks' parts of one evaluation. Every micro-batch must come exactly once with its planned number of samples,
 * and the losses are added in index order, so that the result does not depend on who computed what. Pure.
 */
import type { Plan } from '@facet/shared';

export interface ReportedEvaluation {
  readonly workerId: string;
  readonly parts: readonly { readonly index: number; readonly sampleCount: number; readonly lossSum: number }[];
  /** [classes * classes], row = true class, column = answer. */
  readonly confusion: readonly number[];
}

export interface EvaluationResult {
  readonly step: number;
  /** Fraction of correct answers. */
  readonly accuracy: number;
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  readonly confusion: readonly number[];
}

export type MergeVerdict =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'complete'; readonly result: EvaluationResult }
  | { readonly kind: 'fault'; readonly message: string };

export interface EvaluationMergeOptions {
  readonly plan: Plan;
  readonly step: number;
  readonly classes: number;
}

/** The evaluation that follows one step, in one generation. */
export class EvaluationMerge {
  readonly step: number;
  readonly #plan: Plan;
  readonly #classes: number;
  readonly #lossSums: (number | undefined)[];
  readonly #confusion: number[];
  #missing: number;

  constructor({ plan, step, classes }: EvaluationMergeOptions) {
    this.step = step;
    this.#plan = plan;
    this.#classes = classes;
    this.#missing = plan.microBatchCount({ kind: 'evaluate', step });
    this.#lossSums = new Array<number | undefined>(this.#missing).fill(undefined);
    this.#confusion = new Array<number>(classes * classes).fill(0);
  }

  /** Adds one rank's parts; nothing is added when any of them is wrong. */
  accept({ workerId, parts, confusion }: ReportedEvaluation): MergeVerdict {
    const fault = this.#findFault(parts, confusion);
    if (fault !== undefined) {
      return {
        kind: 'fault',
        message: `evaluation after step ${this.step}, worker ${workerId}: ${fault}; report this as a bug`,
      };
    }
    for (const { index, lossSum } of parts) this.#lossSums[index] = lossSum;
    confusion.forEach((count, cell) => (this.#confusion[cell] = (this.#confusion[cell] ?? 0) + count));
    this.#missing -= parts.length;
    return this.#missing === 0 ? { kind: 'complete', result: this.#result() } : { kind: 'incomplete' };
  }

  #findFault(parts: ReportedEvaluation['parts'], confusion: readonly number[]): string | undefined {
    const cells = this.#classes ** 2;
    if (confusion.length !== cells) return `its confusion matrix has ${confusion.length} cells, expected ${cells}`;
    const seen = new Set<number>();
    for (const { index, sampleCount, lossSum } of parts) {
      if (index >= this.#lossSums.length) return `micro-batch ${index} is not one of ${this.#lossSums.length}`;
      if (seen.has(index) || this.#lossSums[index] !== undefined) return `micro-batch ${index} came twice`;
      const planned = this.#plan.microBatch({ kind: 'evaluate', step: this.step }, index).length;
      if (sampleCount !== planned) return `micro-batch ${index} has ${sampleCount} samples, expected ${planned}`;
      if (!Number.isFinite(lossSum)) return `the loss of micro-batch ${index} is ${lossSum}`;
      seen.add(index);
    }
    const answered = sum(confusion);
    const evaluated = sum(parts.map(({ sampleCount }) => sampleCount));
    return answered === evaluated
      ? undefined
      : `its confusion matrix holds ${answered} samples, its parts ${evaluated}`;
  }

  #result(): EvaluationResult {
    const total = sum(this.#confusion);
    const correct = this.#confusion.filter((_, cell) => cell % (this.#classes + 1) === 0);
    return {
      step: this.step,
      accuracy: sum(correct) / total,
      loss: sum(this.#lossSums.map((loss) => loss ?? 0)) / total,
      confusion: this.#confusion,
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
