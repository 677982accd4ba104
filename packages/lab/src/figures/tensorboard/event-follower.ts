/** Starts and ends the thread that writes event files while a run trains. Whatever happens to it, training goes on. */
import { once } from 'node:events';
import { hostname } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { FollowPlan } from './event-writer.js';

/** How long the last figures may take. */
const FINISH_MS = 10_000;
const MOST_HEAP_MB = 256;

export interface EventFollower {
  /** Waits until everything in the ledger is written, for ten seconds at most. */
  finish(): Promise<void>;
}

/**
 * Follows a ledger that exists.
 *
 * @param onTrouble told once why no more is written
 */
export function followLedger(plan: Omit<FollowPlan, 'host'>, onTrouble: (reason: string) => void): EventFollower {
  // The thread runs compiled code in tests too; src/figures/tensorboard and dist/figures/tensorboard lie three levels below.
  const thread = new Worker(new URL('../../../dist/figures/tensorboard/follow-thread.js', import.meta.url), {
    workerData: { ...plan, host: hostname() } satisfies FollowPlan,
    // A thread that asks for more ends, and its process does not.
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB },
  });
  thread.unref();
  let hasEnded = false;
  thread.once('error', (error: unknown) => {
    hasEnded = true;
    onTrouble(error instanceof Error ? error.message : String(error));
  });
  thread.once('exit', () => {
    hasEnded = true;
  });
  return {
    async finish() {
      if (hasEnded) return;
      thread.ref();
      const signal = AbortSignal.timeout(FINISH_MS);
      const ended = once(thread, 'exit', { signal }).then(
        () => true,
        () => hasEnded,
      );
      thread.postMessage('finish');
      if (await ended) return;
      onTrouble(`the last figures were not written within ${FINISH_MS / 1_000} s`);
      await thread.terminate();
    },
  };
}
