/**
 * Waiting for a broker that is not up yet: on a cluster everything starts at once, and its name may resolve later than a
 * client of it starts. Only silence is waited for. A broker that is there and refuses us is not asked again.
 */
import { pause, type Clock } from '../clock.js';
import { TrainingError } from '../errors.js';

const RETRY_MS = 500;

export interface BrokerPatience {
  /** How long to go on trying, in ms. */
  readonly limitMs: number;
  readonly clock: Clock;
  /** Aborting ends the wait. */
  readonly signal: AbortSignal;
  /** Called once, when the first attempt has failed. */
  readonly onWait: (error: TrainingError, limitMs: number) => void;
}

/**
 * Connects, again and again while no broker answers. Without patience it tries once.
 *
 * @throws TrainingError what `connect` throws; CANCELLED when the signal aborts.
 */
export async function untilBrokerAnswers<C>(
  connect: () => Promise<C>,
  patience: BrokerPatience | undefined,
): Promise<C> {
  if (patience === undefined) return connect();
  const { limitMs, clock, signal, onWait } = patience;
  const startedMs = clock.now();
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await connect();
    } catch (caught) {
      const error = TrainingError.from(caught);
      if (error.code !== 'BROKER_UNREACHABLE') throw error;
      if (signal.aborted) throw new TrainingError('CANCELLED', 'told to stop before a broker was found');
      const waitedMs = clock.now() - startedMs;
      if (waitedMs >= limitMs) {
        throw new TrainingError(error.code, `${error.message}; gave up after ${Math.round(waitedMs)} ms`, {
          cause: error,
        });
      }
      if (attempts === 1) onWait(error, limitMs);
    }
    await pause(clock, RETRY_MS);
    if (signal.aborted) throw new TrainingError('CANCELLED', 'told to stop before a broker was found');
  }
}
