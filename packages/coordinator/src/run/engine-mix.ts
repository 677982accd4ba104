/**
 * Which engines and which programs have computed for a run. Every rank holds the same weights whatever its engine, because all of
 * them apply one reduced gradient; but engines differ in the last bits, so with several of them the result depends on who
 * computed what. At one time all workers have one program; a resume by another build of Facet may bring another one, and then
 * the result depends on when. This file notices both and words them; it forbids nothing.
 */
import type { Logger } from '@facet/telemetry';

/** The engine and device that a worker says it computes with. */
export interface WorkerEngine {
  readonly engine: string;
  readonly device: string;
}

/** What a worker computes with, and the SHA-256 of what it computes. */
export interface WorkerCompute extends WorkerEngine {
  readonly programSha256: string;
}

/** What computed for a run before this coordinator, as its checkpoint has it. */
export interface EarlierCompute {
  readonly engines?: readonly string[] | undefined;
  readonly programs?: readonly string[] | undefined;
}

/** Hex digits of a program's hash that people are shown. */
const SHOWN_DIGITS = 12;

const SAME_ENGINE = 'check that both run the same engine on the same kind of CPU, then resume from the last checkpoint';

export class EngineMix {
  readonly #engines: Set<string>;
  readonly #programs: Set<string>;

  constructor({ engines, programs }: EarlierCompute = {}) {
    this.#engines = new Set(engines);
    this.#programs = new Set(programs);
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

  /** Notes what a member computes with, and warns when that mixes engines or programs. */
  noteMember(workerId: string, compute: WorkerCompute | undefined, log: Pick<Logger, 'warn'>): void {
    if (compute === undefined) return;
    if (this.add(compute)) log.warn({ workerId, engines: this.engines }, this.note);
    const before = this.#programs.size;
    this.#programs.add(compute.programSha256);
    if (this.#programs.size > Math.max(before, 1)) {
      log.warn({ workerId, programs: this.programs }, this.programNote);
    }
  }

  /** Every engine so far, such as `onnxruntime/cpu`, in the order in which they came. */
  get engines(): readonly string[] {
    return [...this.#engines];
  }

  /** SHA-256 of every program so far, in the order in which they came. */
  get programs(): readonly string[] {
    return [...this.#programs];
  }

  /** One sentence for people; empty while there is one program at most. */
  get programNote(): string {
    if (this.#programs.size <= 1) return '';
    return (
      `several programs: ${this.#shownPrograms()}; the run was resumed by a build of Facet that computes otherwise, so a ` +
      'run without that resume does not have its hash; resume with the build that wrote the checkpoint to keep its bits'
    );
  }

  #shownPrograms(): string {
    return this.programs.map((sha256) => sha256.slice(0, SHOWN_DIGITS)).join(', ');
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
    if (this.#programs.size > 1) {
      return (
        `this run was computed by the programs ${this.#shownPrograms()}, whose bits may differ: that is the likely cause. Resume ` +
        'with the build of Facet that wrote the checkpoint, or start a new run'
      );
    }
    if (this.#engines.size <= 1) return SAME_ENGINE;
    return (
      `this run was computed with ${this.engines.join(' and ')}, whose bits differ: that is the likely cause. Resume with each worker ` +
      `on the engine that it had before, or start a new run with one engine for all (--engine, --device)`
    );
  }
}
