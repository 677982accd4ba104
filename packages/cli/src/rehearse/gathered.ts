/** Counts what comes in a burst, and tells the count of each kind once the burst is over: one message instead of hundreds. */
export class Gathered<Key, Facts> {
  readonly #tell: (key: Key, count: number, facts: Facts) => void;
  readonly #counts = new Map<Key, { count: number; readonly facts: Facts }>();

  constructor(tell: (key: Key, count: number, facts: Facts) => void) {
    this.#tell = tell;
  }

  /** One more. The facts are the same for all of a kind. */
  add(key: Key, facts: Facts): void {
    if (this.#counts.size === 0) setImmediate(this.#tellAll);
    const known = this.#counts.get(key);
    if (known === undefined) this.#counts.set(key, { count: 1, facts });
    else known.count += 1;
  }

  readonly #tellAll = (): void => {
    const counts = [...this.#counts];
    this.#counts.clear();
    for (const [key, { count, facts }] of counts) this.#tell(key, count, facts);
  };
}
