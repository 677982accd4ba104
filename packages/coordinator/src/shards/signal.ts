/**
 * A one-to-many wake-up: whoever waits goes on at the next notify, or after its time is up. It carries nothing, so a
 * waiter looks at the state again; a notify that nobody waits for is forgotten.
 */
import { systemClock } from '@facet/shared';

export interface Signal {
  notify(): void;
  /** Resolves at the next notify, or after `timeoutMs` when given. */
  wait(timeoutMs?: number): Promise<void>;
}

export function createSignal(clock = systemClock): Signal {
  let waiters = new Set<() => void>();
  return {
    notify() {
      const woken = waiters;
      waiters = new Set();
      for (const wake of woken) wake();
    },
    wait(timeoutMs) {
      return new Promise((resolve) => {
        let cancel = (): void => undefined;
        const wake = (): void => {
          cancel();
          waiters.delete(wake);
          resolve();
        };
        waiters.add(wake);
        if (timeoutMs !== undefined) cancel = clock.schedule(timeoutMs, wake);
      });
    },
  };
}
