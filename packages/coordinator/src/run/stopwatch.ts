/**
 * Measures training without waiting for the first workers and without evaluation. It runs from the first Start to the
 * last step, stands still from the last step of an epoch until the evaluation after it is done, and counts regrouping.
 */

const MS_PER_SECOND = 1_000;
/** Weight of the newest step in the moving mean. */
const SMOOTHING = 0.1;

export class Stopwatch {
  readonly #now: () => number;
  #sinceMs: number | undefined;
  #totalMs: number;
  #samples: number;
  #msPerSample: number | undefined;
  #pausedAtMs: number | undefined;
  #lastPauseMs = 0;

  /** @param before samples that earlier coordinators trained, and the time that took */
  constructor(now: () => number, before: { readonly seconds: number; readonly samples: number }) {
    this.#now = now;
    this.#totalMs = before.seconds * MS_PER_SECOND;
    this.#samples = before.samples;
  }

  /** Begins to count, unless it counts already. */
  start(): void {
    if (this.#sinceMs !== undefined) return;
    this.#sinceMs = this.#now();
    if (this.#pausedAtMs !== undefined) this.#lastPauseMs = this.#sinceMs - this.#pausedAtMs;
    this.#pausedAtMs = undefined;
  }

  /** Takes the time since the last lap; 0 when it stands still. `samples` were trained in it. */
  lap(samples: number): number {
    if (this.#sinceMs === undefined) return 0;
    const nowMs = this.#now();
    const lapMs = nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
    this.#totalMs += lapMs;
    this.#samples += samples;
    if (samples > 0) {
      // Times are averaged, not rates: reports that arrive in a burst have nearly no time between them.
      const perSample = lapMs / samples;
      this.#msPerSample =
        this.#msPerSample === undefined ? perSample : this.#msPerSample + SMOOTHING * (perSample - this.#msPerSample);
    }
    return lapMs / MS_PER_SECOND;
  }

  /** Stands still until the next start; time since the last lap is not counted. */
  pause(): void {
    if (this.#sinceMs !== undefined) this.#pausedAtMs = this.#now();
    this.#sinceMs = undefined;
  }

  /**
   * Seconds that so many samples and so many evaluations will take, if they go on as the last ones went; 0 while nothing was
   * measured. The first evaluation comes as a surprise.
   */
  remainingSeconds({ samples, evaluations }: { readonly samples: number; readonly evaluations: number }): number {
    if (this.#msPerSample === undefined) return 0;
    return (samples * this.#msPerSample + evaluations * this.#lastPauseMs) / MS_PER_SECOND;
  }

  get seconds(): number {
    return this.#totalMs / MS_PER_SECOND;
  }

  /** Mean over the whole training time. */
  get samplesPerSecond(): number {
    return this.#totalMs === 0 ? 0 : this.#samples / this.seconds;
  }

  /** Moving mean over the last steps. */
  get recentSamplesPerSecond(): number {
    return this.#msPerSample === undefined || this.#msPerSample === 0 ? 0 : MS_PER_SECOND / this.#msPerSample;
  }
}
