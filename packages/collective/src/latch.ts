/**
 * The first failure of a collective. It stays, and fails everything that waits now or later. All waits go through `guard`,
 * which has a deadline. A missed deadline is a failure like any other.
 */
import { TrainingError, type Clock } from '@facet/shared';

export interface Latch {
  readonly failure: TrainingError | undefined;
  /** Fails everything; only the first call counts. */
  readonly fail: (error: TrainingError) => void;
  /**
   * Waits for a promise, but not past the deadline and not past the first failure.
   *
   * @param lateness what to say when the deadline is missed
   * @param patience how many times as long as usual
   * @throws TrainingError the first failure
   */
  guard<T>(promise: Promise<T>, lateness: (waitedMs: number) => string, patience?: number): Promise<T>;
}

export interface LatchOptions {
  /** The longest wait of a guard that asks for no other one. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Called with the first failure, after everything that waited has been failed. */
  readonly onFailed: (error: TrainingError) => void;
}

export function createLatch({ timeoutMs, clock, onFailed }: LatchOptions): Latch {
  const rejections = new Set<(error: TrainingError) => void>();
  let failure: TrainingError | undefined;

  const fail = (error: TrainingError): void => {
    if (failure !== undefined) return;
    failure = error;
    for (const reject of rejections) reject(error);
    rejections.clear();
    onFailed(error);
  };

  return {
    get failure() {
      return failure;
    },
    fail,
    async guard(promise, lateness, patience = 1) {
      if (failure !== undefined) {
        promise.catch(() => undefined); // What it would say is a consequence of the failure.
        throw failure;
      }
      let reject: (error: TrainingError) => void = () => undefined;
      const failed = new Promise<never>((_resolve, rejectFailed) => {
        reject = rejectFailed;
      });
      rejections.add(reject);
      const waitMs = timeoutMs * patience;
      const cancelTimeout = clock.schedule(waitMs, () => {
        fail(new TrainingError('STEP_TIMEOUT', lateness(waitMs)));
      });
      try {
        return await Promise.race([promise, failed]);
      } finally {
        cancelTimeout();
        rejections.delete(reject);
      }
    },
  };
}
