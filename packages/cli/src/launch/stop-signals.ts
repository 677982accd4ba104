/**
 * Ctrl-C, once and twice: the first signal asks for an orderly stop, the second ends at once. A signal may arrive twice,
 * because a terminal sends it to every process and npm passes it on. Two such arrivals count as one.
 *
 * SIGTERM is a scheduler's: it asks for an orderly end of this process, however often it comes. A scheduler that has no more
 * patience sends SIGKILL.
 */
import type { CliContext } from '../context.js';

const SAME_SIGNAL_MS = 500;

export interface StopSignals extends Disposable {
  /** Aborted by the first signal. */
  readonly stop: AbortSignal;
  /** Aborted by the second. */
  readonly kill: AbortSignal;
  /** Whether the first one was SIGTERM. */
  readonly isTermination: boolean;
}

/** Listens for signals until it is disposed of. */
export function listenForStop(
  context: Pick<CliContext, 'onStopSignal'>,
  now: () => number = () => performance.now(),
): StopSignals {
  const stop = new AbortController();
  const kill = new AbortController();
  let first: { readonly atMs: number; readonly signal: NodeJS.Signals } | undefined;
  const off = context.onStopSignal((signal) => {
    if (first === undefined) {
      first = { atMs: now(), signal };
      stop.abort();
    } else if (signal !== 'SIGTERM' && now() - first.atMs >= SAME_SIGNAL_MS) {
      kill.abort();
    }
  });
  return {
    stop: stop.signal,
    kill: kill.signal,
    get isTermination() {
      return first?.signal === 'SIGTERM';
    },
    [Symbol.dispose]: off,
  };
}
