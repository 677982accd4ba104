/** The middle value, or the mean of the two in the middle; undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

/** The median of all values but one, for each of them in turn: sorted once, because there may be a thousand. */
export class MedianOfOthers {
  readonly #sorted: readonly number[];

  constructor(values: readonly number[]) {
    this.#sorted = values.toSorted((a, b) => a - b);
  }

  /** @param value one of the values; undefined when there is no other */
  without(value: number): number | undefined {
    const others = this.#sorted.length - 1;
    const place = this.#placeOf(value);
    const at = (index: number): number | undefined => this.#sorted[index < place ? index : index + 1];
    const [low, high] = [at((others - 1) >> 1), at(others >> 1)];
    return others < 1 || low === undefined || high === undefined ? undefined : (low + high) / 2;
  }

  /** The first place of a value. */
  #placeOf(value: number): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#sorted[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
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
