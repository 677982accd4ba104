/**
 * A map for values that are never changed once they were given away: a copy shares what it was made of and holds only what differs.
 * A transition changes one worker of a thousand, and copying all of them for that was most of what it cost. Keys come in the order
 * in which they were added, as in a Map.
 */

/** Stands for a key of the base that was deleted. */
const GONE = Symbol('gone');

/** A copy holds at least so many differences before everything is copied. */
const LEAST_DIFFERENCES = 16;

export class LayeredMap<K, V extends object> implements ReadonlyMap<K, V> {
  /** Never changed: other copies have it too. */
  #base: ReadonlyMap<K, V>;
  #differences: Map<K, V | typeof GONE>;
  #size: number;

  private constructor(base: ReadonlyMap<K, V>, differences: Map<K, V | typeof GONE>, size: number) {
    this.#base = base;
    this.#differences = differences;
    this.#size = size;
  }

  /** A copy to be changed; the map itself must not change any more. */
  static copyOf<K, V extends object>(map: ReadonlyMap<K, V>): LayeredMap<K, V> {
    if (!(map instanceof LayeredMap)) return new LayeredMap<K, V>(map, new Map(), map.size);
    const layered = map as LayeredMap<K, V>;
    // Both costs together are least if the differences are the square root of twice all.
    const most = Math.max(LEAST_DIFFERENCES, Math.sqrt(2 * layered.#base.size));
    if (layered.#differences.size > most) return new LayeredMap<K, V>(new Map(layered), new Map(), layered.size);
    return new LayeredMap<K, V>(layered.#base, new Map(layered.#differences), layered.size);
  }

  get size(): number {
    return this.#size;
  }

  get(key: K): V | undefined {
    const found = this.#differences.get(key);
    if (found === undefined) return this.#base.get(key);
    return found === GONE ? undefined : found;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  set(key: K, value: V): this {
    if (!this.has(key)) this.#size += 1;
    // A key that comes back is the last one.
    if (this.#differences.get(key) === GONE) this.#merge();
    this.#differences.set(key, value);
    return this;
  }

  delete(key: K): boolean {
    if (!this.has(key)) return false;
    this.#size -= 1;
    if (this.#base.has(key)) this.#differences.set(key, GONE);
    else this.#differences.delete(key);
    return true;
  }

  *entries(): MapIterator<[K, V]> {
    for (const [key, value] of this.#base) {
      const found = this.#differences.get(key) ?? value;
      if (found !== GONE) yield [key, found];
    }
    for (const [key, value] of this.#differences) if (value !== GONE && !this.#base.has(key)) yield [key, value];
  }

  *keys(): MapIterator<K> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }

  #merge(): void {
    this.#base = new Map(this.entries());
    this.#differences = new Map();
  }
}
