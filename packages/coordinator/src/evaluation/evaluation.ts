/**
 * Merges the ranks' parts of one evaluation. Every micro-batch must come exactly once with its planned number of samples,
 * and the losses are added in index order, so that the result does not depend on who computed what. Pure.
 */
import type { Plan } from '@facet/shared';

export interface ReportedEvaluation {
  readonly workerId: string;
  readonly parts: readonly {
    readonly index: number;
    readonly sampleCount: number;
    readonly lossSum: number;
    /** Sums over the samples, by name. */
    readonly metrics: Readonly<Record<string, number>>;
  }[];
  /** [classes * classes], row = true class, column = answer; empty where answers are no classes. */
  readonly confusion: readonly number[];
}

export interface EvaluationResult {
  readonly step: number;
  /** Fraction of correct answers; undefined where answers are no classes. */
  readonly accuracy: number | undefined;
  /** Mean over the samples; of answers that are classes, the cross-entropy in nats. */
  readonly loss: number;
  /** Means over the samples, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly confusion: readonly number[];
}

export type MergeVerdict =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'complete'; readonly result: EvaluationResult }
  | { readonly kind: 'fault'; readonly message: string };

export interface EvaluationMergeOptions {
  readonly plan: Plan;
  readonly step: number;
  /** 0 where answers are no classes. */
  readonly classes: number;
}

/** The evaluation that follows one step, in one generation. */
export class EvaluationMerge {
  readonly step: number;
  readonly #plan: Plan;
  readonly #classes: number;
  readonly #parts: (ReportedEvaluation['parts'][number] | undefined)[];
  readonly #confusion: number[];
  #missing: number;

  constructor({ plan, step, classes }: EvaluationMergeOptions) {
    this.step = step;
    this.#plan = plan;
    this.#classes = classes;
    this.#missing = plan.microBatchCount({ kind: 'evaluate', step });
    this.#parts = new Array<undefined>(this.#missing).fill(undefined);
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
    for (const part of parts) this.#parts[part.index] = part;
    confusion.forEach((count, cell) => (this.#confusion[cell] = (this.#confusion[cell] ?? 0) + count));
    this.#missing -= parts.length;
    return this.#missing === 0 ? { kind: 'complete', result: this.#result() } : { kind: 'incomplete' };
  }

  #findFault(parts: ReportedEvaluation['parts'], confusion: readonly number[]): string | undefined {
    const cells = this.#classes ** 2;
    if (confusion.length !== cells) return `its confusion matrix has ${confusion.length} cells, expected ${cells}`;
    const seen = new Set<number>();
    const names = this.#metricNames ?? Object.keys(parts[0]?.metrics ?? {}).sort();
    for (const { index, sampleCount, lossSum, metrics } of parts) {
      if (index >= this.#parts.length) return `micro-batch ${index} is not one of ${this.#parts.length}`;
      if (seen.has(index) || this.#parts[index] !== undefined) return `micro-batch ${index} came twice`;
      const planned = this.#plan.microBatch({ kind: 'evaluate', step: this.step }, index).length;
      if (sampleCount !== planned) return `micro-batch ${index} has ${sampleCount} samples, expected ${planned}`;
      if (!Number.isFinite(lossSum)) return `the loss of micro-batch ${index} is ${lossSum}`;
      const found = Object.keys(metrics).sort();
      if (found.join() !== names.join()) {
        return `the metrics of micro-batch ${index} are ${found.join(', ') || 'none'}, expected ${names.join(', ') || 'none'}`;
      }
      const wrong = found.find((name) => !Number.isFinite(metrics[name]));
      if (wrong !== undefined) return `the metric ${wrong} of micro-batch ${index} is ${metrics[wrong]}`;
      seen.add(index);
    }
    if (this.#classes === 0) return undefined;
    const answered = sum(confusion);
    const evaluated = sum(parts.map(({ sampleCount }) => sampleCount));
    return answered === evaluated
      ? undefined
      : `its confusion matrix holds ${answered} samples, its parts ${evaluated}`;
  }

  get #metricNames(): readonly string[] | undefined {
    const part = this.#parts.find((found) => found !== undefined);
    return part && Object.keys(part.metrics).sort();
  }

  #result(): EvaluationResult {
    const parts = this.#parts.map((part) => part!);
    const total = sum(parts.map(({ sampleCount }) => sampleCount));
    const correct = this.#confusion.filter((_, cell) => cell % (this.#classes + 1) === 0);
    const meanOf = (name: string): number => sum(parts.map(({ metrics }) => metrics[name]!)) / total;
    return {
      step: this.step,
      accuracy: this.#classes === 0 ? undefined : sum(correct) / total,
      loss: sum(parts.map(({ lossSum }) => lossSum)) / total,
      metrics: Object.fromEntries((this.#metricNames ?? []).map((name) => [name, meanOf(name)])),
      confusion: this.#confusion,
    };
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
