/**
 * What a run cost before this coordinator, from its ledger: a run that was resumed says what all of it took. Records of
 * version 1 say nothing of the time of a step; then only what is known is counted.
 */
import type { LedgerRecord, Plan } from '@facet/shared';

const MS_PER_SECOND = 1_000;

export interface EffortTotals {
  /** Of coordinators that led the run, from their first record to their last. */
  readonly wallSeconds: number;
  /** Without evaluation. */
  readonly trainSeconds: number;
  /** Trained in that time, those of steps that were computed again too. */
  readonly trainedSamples: number;
  readonly bytesExchanged: number;
  /** Generations that left a record. */
  readonly generations: number;
}

export class EarlierEffort {
  readonly #plan: Pick<Plan, 'sampleCount'>;
  readonly #generations = new Set<number>();
  #trainSeconds = 0;
  #trainedSamples = 0;
  #bytesExchanged = 0;
  #wallMs = 0;
  #life: { readonly sinceMs: number; lastMs: number } | undefined;

  constructor(plan: Pick<Plan, 'sampleCount'>) {
    this.#plan = plan;
  }

  /** Takes in the next record of the ledger. */
  add(record: LedgerRecord): void {
    const atMs = Date.parse(record.at);
    if (record.kind === 'run' || record.kind === 'resume') {
      this.#wallMs += lengthOf(this.#life);
      this.#life = { sinceMs: atMs, lastMs: atMs };
    } else if (this.#life !== undefined) {
      this.#life.lastMs = atMs;
    }
    if ('generation' in record) this.#generations.add(record.generation);
    if (record.kind !== 'commit' && record.kind !== 'replay') return;
    this.#bytesExchanged += record.bytesExchanged ?? 0;
    if (record.seconds === undefined) return;
    this.#trainSeconds += record.seconds;
    this.#trainedSamples += this.#plan.sampleCount({ kind: 'train', step: record.step });
  }

  get totals(): EffortTotals {
    return {
      wallSeconds: (this.#wallMs + lengthOf(this.#life)) / MS_PER_SECOND,
      trainSeconds: this.#trainSeconds,
      trainedSamples: this.#trainedSamples,
      bytesExchanged: this.#bytesExchanged,
      generations: this.#generations.size,
    };
  }
}

/** A clock that was set back in between makes no time negative. */
function lengthOf(life: { readonly sinceMs: number; readonly lastMs: number } | undefined): number {
  return life === undefined ? 0 : Math.max(0, life.lastMs - life.sinceMs);
}
