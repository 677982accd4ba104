/**
 * The figures of a run, step by step, as other tools want them: means instead of sums, the speed, and the learning rate, which
 * no ledger states because it follows from the configuration. Records come one at a time, in the order of the ledger; memory
 * grows with evaluations and changes alone.
 */
import {
  historyItem,
  stepsPerEpoch,
  type EvaluationItem,
  type LedgerRecord,
  type RunChange,
  type StepItem,
} from '@facet/shared';
import type { RateAt } from '../evaluation/training-curve.js';

/** A committed step. */
export interface StepFigures extends Omit<StepItem, 'kind' | 'correct' | 'metrics'> {
  /** Share of right answers over the samples of the step. */
  readonly accuracy: number | undefined;
  /** Means of the task's own figures over the samples of the step, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly samplesPerSecond: number | undefined;
  /** Undefined if the configuration of the run is not known. */
  readonly learningRate: number | undefined;
}

/** An evaluation of the weights after a step. */
export type EvaluationFigures = Omit<EvaluationItem, 'kind'>;

export interface FigureTakers {
  onStep(step: StepFigures): void;
  onEvaluation(evaluation: EvaluationFigures): void;
}

export class FigureReader {
  readonly #takers: FigureTakers;
  readonly #rateAt: RateAt | undefined;
  readonly #changes: RunChange[] = [];
  readonly #evaluated = new Set<string>();
  #stepsPerEpoch = 0;
  #lastStep = 0;

  /** @param rateAt absent: no step has a learning rate */
  constructor(takers: FigureTakers, rateAt?: RateAt) {
    this.#takers = takers;
    this.#rateAt = rateAt;
  }

  /** Takes in the next record. */
  add(record: LedgerRecord): void {
    const item = historyItem(record);
    if (item.kind === 'run') this.#stepsPerEpoch = stepsPerEpoch(item);
    if (item.kind === 'change') this.#changes.push(item.change);
    if (item.kind === 'step') this.#addStep(item);
    if (item.kind === 'evaluation') this.#addEvaluation(item);
  }

  #addStep({ kind: _kind, correct, metrics = {}, ...item }: StepItem): void {
    const { step, samples, seconds } = item;
    // A ledger that states a step twice is damaged; a chart with it twice would say more than that.
    if (step <= this.#lastStep) return;
    this.#lastStep = step;
    this.#takers.onStep({
      ...item,
      accuracy: correct === undefined ? undefined : correct / samples,
      metrics: Object.fromEntries(Object.entries(metrics).map(([name, sum]) => [name, sum / samples])),
      samplesPerSecond: seconds === undefined || seconds === 0 ? undefined : samples / seconds,
      learningRate: this.#rateAt?.(step, { stepsPerEpoch: this.#stepsPerEpoch, changes: this.#changes }),
    });
  }

  /** What a resume evaluates again comes to the same. */
  #addEvaluation({ kind: _kind, ...item }: EvaluationItem): void {
    const name = `${item.step} ${item.split}`;
    if (this.#evaluated.has(name)) return;
    this.#evaluated.add(name);
    this.#takers.onEvaluation(item);
  }
}
