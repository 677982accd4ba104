/**
 * A one-to-many wake-up: all waiters go on at the next notify, or when their time is up. It carries no value, so a waiter
 * looks at the state again. A notify without a waiter is forgotten.
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
