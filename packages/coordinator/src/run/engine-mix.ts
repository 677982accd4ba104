/**
 * Which engines have computed for a run. Every rank holds the same weights whatever its engine, because all of them apply one
 * reduced gradient; but engines differ in the last bits, so with several of them the result depends on who computed what.
 * This file notices that and words it; it forbids nothing.
 */
import type { Logger } from '@facet/telemetry';

/** The engine and device that a worker says it computes with. */
export interface WorkerEngine {
  readonly engine: string;
  readonly device: string;
}

const SAME_ENGINE = 'check that both run the same engine on the same kind of CPU, then resume from the last checkpoint';

export class EngineMix {
  readonly #engines: Set<string>;

  /** @param earlier the engines that computed for the run under earlier coordinators */
  constructor(earlier: readonly string[] = []) {
    this.#engines = new Set(earlier);
  }

  /**
   * Notes what a worker computes with.
   *
   * @returns true when that makes the run a mixed one, or mixes in one more.
   */
  add({ engine, device }: WorkerEngine): boolean {
    const before = this.#engines.size;
    this.#engines.add(`${engine}/${device}`);
    return this.#engines.size > Math.max(before, 1);
  }

  /** Notes what a member computes with, and warns when that mixes engines. */
  noteMember(workerId: string, program: WorkerEngine | undefined, log: Pick<Logger, 'warn'>): void {
    if (program !== undefined && this.add(program)) log.warn({ workerId, engines: this.engines }, this.note);
  }

  /** Every engine so far, such as `onnxruntime/cpu`, in the order in which they came. */
  get engines(): readonly string[] {
    return [...this.#engines];
  }

  /** One sentence for people; empty while there is one engine at most. */
  get note(): string {
    if (this.#engines.size <= 1) return '';
    return (
      `mixed engines: ${this.engines.join(', ')}; the result depends on which worker computed which micro-batch, so another run, ` +
      `or a replay, will not have its hash; --engine and --device force one`
    );
  }

  /** Advice for the error if weights differ that should be the same. */
  get desyncAdvice(): string {
    if (this.#engines.size <= 1) return SAME_ENGINE;
    return (
      `this run was computed with ${this.engines.join(' and ')}, whose bits differ: that is the likely cause. Resume with each worker ` +
      `on the engine that it had before, or start a new run with one engine for all (--engine, --device)`
    );
  }
}
