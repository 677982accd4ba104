/** The answers of an evaluation, kept until all of them are there: how far they can be trusted is said of all together. */
import { namedBy, scoreAnswers, type Scores } from './scores.js';

/** The most numbers that are kept, samples times classes: 256 MiB of float32, and twice as much while they are scored. */
const MOST_LOGITS = 2 ** 26;

export class KeptAnswers {
  readonly #ids: Uint32Array;
  readonly #classes: number;
  readonly #logits: Float32Array;
  readonly #labels: Int32Array;
  #kept = 0;

  private constructor(ids: Uint32Array, classes: number) {
    this.#ids = ids;
    this.#classes = classes;
    this.#logits = new Float32Array(ids.length * classes);
    this.#labels = new Int32Array(ids.length);
  }

  /** Room for the answers of these samples; undefined where answers are no classes (0), or are too many to keep. */
  static of(ids: Uint32Array, classes: number): KeptAnswers | undefined {
    return classes === 0 || ids.length * classes > MOST_LOGITS ? undefined : new KeptAnswers(ids, classes);
  }

  /**
   * Keeps the answers of the next samples.
   *
   * @param logits [count or more, classes]
   * @param labels [count]
   */
  add(logits: Float32Array, labels: ArrayLike<number>): void {
    this.#logits.set(logits.subarray(0, labels.length * this.#classes), this.#kept * this.#classes);
    this.#labels.set(labels, this.#kept);
    this.#kept += labels.length;
  }

  /** @throws TrainingError NON_FINITE, see scoreAnswers. */
  scores(): Scores {
    return namedBy(this.#ids, scoreAnswers(this.#logits, this.#labels, this.#classes));
  }
}
