/** The middle value, or the mean of the two in the middle; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

/** The medians of the last values of several workers. */
export class SlidingMedians {
  readonly #length: number;
  /** By worker, the oldest first. */
  readonly #windows = new Map<string, number[]>();

  /** @param length of a window; there is no median before it is full */
  constructor(length: number) {
    this.#length = length;
  }

  add(workerId: string, value: number): void {
    const window = this.#windows.get(workerId) ?? [];
    this.#windows.set(workerId, window);
    window.push(value);
    if (window.length > this.#length) window.shift();
  }

  of(workerId: string): number | undefined {
    const window = this.#windows.get(workerId);
    return window?.length === this.#length ? median(window) : undefined;
  }

  get all(): readonly number[] {
    return [...this.#windows.keys()].flatMap((workerId) => this.of(workerId) ?? []);
  }

  clear(): void {
    this.#windows.clear();
  }
}
