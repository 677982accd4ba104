/**
 * Ctrl-C, once and twice: the first signal asks for an orderly stop, the second ends at once. A signal may arrive twice,
 * because a terminal sends it to every process and npm passes it on. Two such arrivals count as one.
 */
import type { CliContext } from '../context.js';

const SAME_SIGNAL_MS = 500;

export interface StopSignals extends Disposable {
  /** Aborted by the first signal. */
  readonly stop: AbortSignal;
  /** Aborted by the second. */
  readonly kill: AbortSignal;
}

/** Listens for signals until it is disposed of. */
export function listenForStop(
  context: Pick<CliContext, 'onStopSignal'>,
  now: () => number = () => performance.now(),
): StopSignals {
  const stop = new AbortController();
  const kill = new AbortController();
  let firstAt: number | undefined;
  const off = context.onStopSignal(() => {
    if (firstAt === undefined) {
      firstAt = now();
      stop.abort();
    } else if (now() - firstAt >= SAME_SIGNAL_MS) {
      kill.abort();
    }
  });
  return { stop: stop.signal, kill: kill.signal, [Symbol.dispose]: off };
}
