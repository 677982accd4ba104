/**
 * The values that peers have sent so far. Each contribution of a step has one buffer, or a place that its reader gave, which
 * fills up in order. Buffers are used again, at the latest in the next step. At most two steps are under way, which bounds the
 * memory. Whether a frame is allowed at all is decided elsewhere.
 */

/** A chunk on its way from a peer. */
export interface Arrival {
  /** Empty after they have been used up. */
  values: Float32Array;
  /** Elements that have come, from the first one on. */
  received: number;
  /** Resolves when all have come. */
  readonly complete: Promise<void>;
  readonly resolve: () => void;
}

export interface Arrivals {
  /**
   * The arrival of so many elements under a key; made when it is asked for first, by whoever sends or waits.
   *
   * @param place where the elements are to go, of that length; not kept to when some may have come before
   */
  of(step: number, key: string, length: number, place?: Float32Array): Arrival;
  /** What came under a key has been used up: the next one may have its buffer, which is still in the cache. */
  reuse(step: number, key: string): void;
  /** Ends a step: its buffers are used again. */
  release(step: number): void;
}

const NOTHING = new Float32Array();

/** @param allocate makes the buffers */
export function createArrivals(allocate: (length: number) => Float32Array): Arrivals {
  const steps = new Map<number, Map<string, Arrival>>();
  const free = new Map<number, Float32Array[]>();
  /** Those of others, which are not for reuse. */
  const places = new Set<Float32Array>();

  const giveBack = (values: Float32Array): void => {
    if (values.length === 0 || places.delete(values)) return;
    const ofLength = free.get(values.length);
    if (ofLength === undefined) free.set(values.length, [values]);
    else ofLength.push(values);
  };

  return {
    of(step, key, length, place) {
      let ofStep = steps.get(step);
      if (ofStep === undefined) steps.set(step, (ofStep = new Map<string, Arrival>()));
      let arrival = ofStep.get(key);
      if (arrival === undefined) {
        let resolve: () => void = () => undefined;
        const complete = new Promise<void>((resolveComplete) => {
          resolve = resolveComplete;
        });
        if (place !== undefined) places.add(place);
        const values = place ?? free.get(length)?.pop() ?? allocate(length);
        ofStep.set(key, (arrival = { values, received: 0, complete, resolve }));
      }
      return arrival;
    },
    reuse(step, key) {
      const arrival = steps.get(step)?.get(key);
      if (arrival === undefined) return;
      giveBack(arrival.values);
      arrival.values = NOTHING;
    },
    release(step) {
      for (const { values } of steps.get(step)?.values() ?? []) giveBack(values);
      steps.delete(step);
    },
  };
}
