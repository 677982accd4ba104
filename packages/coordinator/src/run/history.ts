/**
 * What a run has achieved so far, from its ledger and from what happens now: losses and accuracies per epoch, the last
 * evaluation, and how long training took. Numbers for people and results; the best evaluation decides which checkpoint is
 * kept.
 */
import { historyItem, type LedgerRecord, type Plan } from '@facet/shared';
import { AUTOMATIC, isBetter, type BestChoice } from '../evaluation/best-evaluation.js';
import type { EvaluationResult } from '../evaluation/evaluation.js';

/** One epoch as result.json shows it. */
export interface EpochSummary {
  /** From 0. */
  readonly epoch: number;
  /** Mean over the samples committed so far. */
  readonly trainLoss: number | undefined;
  /** Undefined when the ledger does not say it of some steps of the epoch: those that an earlier version committed. */
  readonly trainAccuracy: number | undefined;
  /** Of the test split, or of the held-out images: a run evaluates one of them. */
  readonly testAccuracy?: number;
  readonly testLoss?: number;
  readonly heldOutAccuracy?: number;
  readonly heldOutLoss?: number;
  /** The task's own figures in that evaluation, by name. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** Training time without evaluation, as far as the ledger says it of steps that were committed before. */
  readonly seconds: number;
}

interface EpochTotals {
  samples: number;
  lossSum: number;
  countedSamples: number;
  correct: number;
  seconds: number;
  evaluation: EvaluationResult | undefined;
}

export interface CommittedStepFacts {
  readonly step: number;
  readonly loss: number;
  readonly sampleCount: number;
  /** Undefined when read from a ledger of an earlier version. */
  readonly correct: number | undefined;
}

/** The figures of one evaluation. */
export type Quality = Pick<EpochSummary, 'testAccuracy' | 'testLoss' | 'heldOutAccuracy' | 'heldOutLoss' | 'metrics'>;

/** An evaluation's figures under the names of the split that they belong to; nothing when there was none. */
export function qualityOf(
  split: Plan['evaluation'],
  evaluation: Pick<EvaluationResult, 'accuracy' | 'loss' | 'metrics'> | undefined,
): Quality {
  if (evaluation === undefined) return {};
  const { accuracy, loss, metrics } = evaluation;
  const means = { ...(Object.keys(metrics).length > 0 && { metrics }) };
  return split === 'test'
    ? { ...(accuracy !== undefined && { testAccuracy: accuracy }), testLoss: loss, ...means }
    : { ...(accuracy !== undefined && { heldOutAccuracy: accuracy }), heldOutLoss: loss, ...means };
}

export class History {
  readonly #plan: Plan;
  readonly #choice: BestChoice;
  readonly #epochs = new Map<number, EpochTotals>();
  #lastEvaluation: EvaluationResult | undefined;
  #best: EvaluationResult | undefined;
  #lastLoss: number | undefined;

  constructor(plan: Plan, choice: BestChoice = AUTOMATIC) {
    this.#plan = plan;
    this.#choice = choice;
  }

  /** Takes in what an earlier coordinator recorded. */
  addRecord(record: LedgerRecord): void {
    const item = historyItem(record);
    if (item.kind === 'step') {
      const { step, loss, samples: sampleCount, correct } = item;
      this.commit({ step, loss, sampleCount, correct });
    } else if (item.kind === 'evaluation') {
      const { step, accuracy, loss, metrics = {} } = item;
      this.evaluate({ step, accuracy, loss, metrics, confusion: [] });
    }
    if (item.kind === 'step' || item.kind === 'replay') this.addSeconds(item.step, item.seconds ?? 0);
  }

  commit({ step, loss, sampleCount, correct }: CommittedStepFacts): void {
    const totals = this.#totalsOf(this.#plan.epochOf(step));
    totals.samples += sampleCount;
    totals.lossSum += loss * sampleCount;
    this.#lastLoss = loss;
    if (correct === undefined) return;
    totals.countedSamples += sampleCount;
    totals.correct += correct;
  }

  evaluate(result: EvaluationResult): void {
    this.#totalsOf(this.#plan.epochOf(result.step)).evaluation = result;
    this.#lastEvaluation = result;
    if (this.#best === undefined || isBetter(result, this.#best, this.#choice)) this.#best = result;
  }

  /** Adds training time to the epoch of a step. */
  addSeconds(step: number, seconds: number): void {
    this.#totalsOf(this.#plan.epochOf(step)).seconds += seconds;
  }

  /** The evaluation of the weights after a step. */
  evaluationOf(step: number): EvaluationResult | undefined {
    const evaluation = this.#epochs.get(this.#plan.epochOf(step))?.evaluation;
    return evaluation?.step === step ? evaluation : undefined;
  }

  get lastEvaluation(): EvaluationResult | undefined {
    return this.#lastEvaluation;
  }

  /** All evaluations, in the order of their steps; the last one of each step. */
  get evaluations(): readonly EvaluationResult[] {
    const all = [...this.#epochs.values()].flatMap(({ evaluation }) => evaluation ?? []);
    return all.sort((a, b) => a.step - b.step);
  }

  /** The step of the best evaluation; the earliest among equals. */
  get bestStep(): number | undefined {
    return this.#best?.step;
  }

  /** Loss of the last committed step. */
  get lastLoss(): number | undefined {
    return this.#lastLoss;
  }

  get epochs(): readonly EpochSummary[] {
    return [...this.#epochs]
      .sort(([a], [b]) => a - b)
      .map(([epoch, totals]) => ({
        epoch,
        trainLoss: totals.samples === 0 ? undefined : totals.lossSum / totals.samples,
        trainAccuracy:
          totals.samples === 0 || totals.countedSamples < totals.samples ? undefined : totals.correct / totals.samples,
        ...qualityOf(this.#plan.evaluation, totals.evaluation),
        seconds: totals.seconds,
      }));
  }

  #totalsOf(epoch: number): EpochTotals {
    let totals = this.#epochs.get(epoch);
    if (totals === undefined) {
      totals = {
        samples: 0,
        lossSum: 0,
        countedSamples: 0,
        correct: 0,
        seconds: 0,
        evaluation: undefined,
      };
      this.#epochs.set(epoch, totals);
    }
    return totals;
  }
}
