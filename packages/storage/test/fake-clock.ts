/** A clock whose time passes when somebody waits for it. */
import type { Clock } from '@facet/shared';

export function fakeClock(): Clock {
  let nowMs = 0;
  return {
    now: () => nowMs,
    wallTime: () => new Date(nowMs).toISOString(),
    schedule(delayMs, action) {
      let isCancelled = false;
      queueMicrotask(() => {
        if (isCancelled) return;
        nowMs += delayMs;
        action();
      });
      return () => {
        isCancelled = true;
      };
    },
  };
}
