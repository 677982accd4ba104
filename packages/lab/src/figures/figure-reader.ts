/**
 * The figures of a run, step by step, as other tools want them: means instead of sums, the speed, and the learning rate, which
 * no ledger states because it follows from the configuration. Records come one at a time, in the order of the ledger; memory
 * grows with evaluations and changes alone.
 */
import { historyItem, type EvaluationItem, type LedgerRecord, type RunChange, type StepItem } from '@facet/shared';
import type { RateAt } from '../evaluation/training-curve.js';

/** A committed step. */
export interface StepFigures extends Omit<StepItem, 'kind' | 'correct' | 'metrics'> {
  /** From 0, as in the ledger. */
  readonly epoch: number;
  /** Share of right answers over the samples of the step. */
  readonly accuracy: number | undefined;
  /** Means of the task's own figures over the samples of the step, by name. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly samplesPerSecond: number | undefined;
  /** Undefined if the configuration of the run is not known. */
  readonly learningRate: number | undefined;
}

/** An evaluation of the weights after a step. */
export interface EvaluationFigures extends Omit<EvaluationItem, 'kind'> {
  /** From 0, as in the ledger. */
  readonly epoch: number;
}

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
    if (record.kind === 'run') this.#stepsPerEpoch = Math.ceil(record.trainSamples / record.globalBatch);
    if (record.kind === 'change') {
      const { kind: _kind, at: _at, ...change } = record;
      this.#changes.push(change);
    }
    const item = historyItem(record);
    if (item.kind === 'step' && record.kind === 'commit') this.#addStep(item, record.epoch);
    if (item.kind === 'evaluation' && 'epoch' in record) this.#addEvaluation(item, record.epoch);
  }

  #addStep({ kind: _kind, correct, metrics = {}, ...item }: StepItem, epoch: number): void {
    const { step, samples, seconds } = item;
    // A ledger that states a step twice is damaged; a chart with it twice would say more than that.
    if (step <= this.#lastStep) return;
    this.#lastStep = step;
    this.#takers.onStep({
      ...item,
      epoch,
      accuracy: correct === undefined ? undefined : correct / samples,
      metrics: Object.fromEntries(Object.entries(metrics).map(([name, sum]) => [name, sum / samples])),
      samplesPerSecond: seconds === undefined || seconds === 0 ? undefined : samples / seconds,
      learningRate: this.#rateAt?.(step, { stepsPerEpoch: this.#stepsPerEpoch, changes: this.#changes }),
    });
  }

  /** What a resume evaluates again comes to the same. */
  #addEvaluation({ kind: _kind, ...item }: EvaluationItem, epoch: number): void {
    const name = `${item.step} ${item.split}`;
    if (this.#evaluated.has(name)) return;
    this.#evaluated.add(name);
    this.#takers.onEvaluation({ ...item, epoch });
  }
}
