/**
 * A queue with one reader and any number of writers, until it ends. Values that were pushed before the end are still read.
 */
export class AsyncQueue<T> implements AsyncIterable<T> {
  /** Called once, at the end. */
  onEnd: () => void = () => undefined;
  /** Resolves when the reader has seen the end. */
  readonly readToEnd: Promise<void>;
  #onReadToEnd: () => void = () => undefined;
  #items: T[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor() {
    this.readToEnd = new Promise((resolve) => {
      this.#onReadToEnd = resolve;
    });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#wake();
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.onEnd();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    try {
      for (;;) {
        const items = this.#items;
        this.#items = [];
        yield* items;
        if (this.#items.length > 0) continue;
        if (this.#isOver) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.end();
      this.#onReadToEnd();
    }
  }
}
