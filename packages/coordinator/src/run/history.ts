/**
 * What a run has achieved so far, from its ledger and from what happens now: losses and accuracies per epoch, the last
 * evaluation, and how long training took. Numbers for people and results; nothing is decided from them.
 */
import type { LedgerRecord, Plan } from '@facet/shared';
import type { EvaluationResult } from '../evaluation/evaluation.js';

/** One epoch as result.json shows it. */
export interface EpochSummary {
  /** From 0. */
  readonly epoch: number;
  /** Mean over the samples committed so far. */
  readonly trainLoss: number | undefined;
  /** Undefined when some steps of the epoch were committed by an earlier coordinator. */
  readonly trainAccuracy: number | undefined;
  readonly testAccuracy: number | undefined;
  readonly testLoss: number | undefined;
  /** Training time of this coordinator, without evaluation. */
  readonly seconds: number;
}

interface EpochTotals {
  samples: number;
  lossSum: number;
  countedSamples: number;
  correct: number;
  seconds: number;
  testAccuracy: number | undefined;
  testLoss: number | undefined;
}

export interface CommittedStepFacts {
  readonly step: number;
  readonly loss: number;
  readonly sampleCount: number;
  /** Undefined when read from the ledger. */
  readonly correct: number | undefined;
}

export class History {
  readonly #plan: Plan;
  readonly #epochs = new Map<number, EpochTotals>();
  #lastEvaluation: EvaluationResult | undefined;
  #best: { readonly step: number; readonly testAccuracy: number } | undefined;
  #lastLoss: number | undefined;

  constructor(plan: Plan, records: readonly LedgerRecord[]) {
    this.#plan = plan;
    for (const record of records) {
      if (record.kind === 'commit') {
        this.commit({ step: record.step, loss: record.loss, sampleCount: record.samples.length, correct: undefined });
      } else if (record.kind === 'evaluation') {
        this.evaluate({
          step: record.step,
          testAccuracy: record.testAccuracy,
          testLoss: record.testLoss,
          confusion: [],
        });
      }
    }
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
    const totals = this.#totalsOf(this.#plan.epochOf(result.step));
    totals.testAccuracy = result.testAccuracy;
    totals.testLoss = result.testLoss;
    this.#lastEvaluation = result;
    if (result.testAccuracy > (this.#best?.testAccuracy ?? -1)) this.#best = result;
  }

  /** Adds training time to the epoch of a step. */
  addSeconds(step: number, seconds: number): void {
    this.#totalsOf(this.#plan.epochOf(step)).seconds += seconds;
  }

  get lastEvaluation(): EvaluationResult | undefined {
    return this.#lastEvaluation;
  }

  /** The step with the best test accuracy; the earliest among equals. */
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
        testAccuracy: totals.testAccuracy,
        testLoss: totals.testLoss,
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
        testAccuracy: undefined,
        testLoss: undefined,
      };
      this.#epochs.set(epoch, totals);
    }
    return totals;
  }
}
