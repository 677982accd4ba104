/**
 * What peers have sent so far: per step and contribution one buffer that fills up in order. Buffers are reused from step to step, so
 * what is held is bounded by the two steps that may be under way. Whether a frame is welcome at all is decided elsewhere.
 */

/** A chunk on its way from a peer. */
export interface Arrival {
  readonly values: Float32Array;
  /** Elements that have come, from the first one on. */
  received: number;
  /** Resolves when all have come. */
  readonly complete: Promise<void>;
  readonly resolve: () => void;
}

export interface Arrivals {
  /** The arrival of so many elements under a key; made when it is asked for first, by whoever sends or waits. */
  of(step: number, key: string, length: number): Arrival;
  /** Ends a step: its buffers are used again. */
  release(step: number): void;
}

export function createArrivals(): Arrivals {
  const steps = new Map<number, Map<string, Arrival>>();
  const free = new Map<number, Float32Array[]>();

  return {
    of(step, key, length) {
      let ofStep = steps.get(step);
      if (ofStep === undefined) steps.set(step, (ofStep = new Map<string, Arrival>()));
      let arrival = ofStep.get(key);
      if (arrival === undefined) {
        let resolve: () => void = () => undefined;
        const complete = new Promise<void>((resolveComplete) => {
          resolve = resolveComplete;
        });
        const values = free.get(length)?.pop() ?? new Float32Array(length);
        ofStep.set(key, (arrival = { values, received: 0, complete, resolve }));
      }
      return arrival;
    },
    release(step) {
      for (const { values } of steps.get(step)?.values() ?? []) {
        const ofLength = free.get(values.length);
        if (ofLength === undefined) free.set(values.length, [values]);
        else ofLength.push(values);
      }
      steps.delete(step);
    },
  };
}
