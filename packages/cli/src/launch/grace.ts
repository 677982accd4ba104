/** How long a process that got SIGTERM may take for its orderly end. A scheduler kills it soon after. */
import { TrainingError } from '@facet/shared';
import type { StopSignals } from './stop-signals.js';

/** Kubernetes waits 30 s by default, Slurm (KillWait) too. */
export const GRACE_DEFAULT = '25';
export const GRACE_ABOUT = 'seconds that an orderly end after SIGTERM may take; then this process ends at once';

const MOST_SECONDS = 86_400;

/** @throws TrainingError CONFIG_INVALID */
export function readGraceMs(text: string): number {
  const seconds = Number(text);
  if (text.trim() !== '' && seconds >= 0 && seconds <= MOST_SECONDS) return seconds * 1_000;
  throw new TrainingError('CONFIG_INVALID', `--grace: '${text}', expected seconds from 0 to ${MOST_SECONDS}`);
}

/** Calls `end` when the grace of a SIGTERM is over, unless it was disposed of before. */
export function afterGrace(signals: StopSignals, graceMs: number, end: () => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const start = (): void => {
    if (signals.isTermination) timer = setTimeout(end, graceMs);
  };
  if (signals.stop.aborted) start();
  else signals.stop.addEventListener('abort', start, { once: true });
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      signals.stop.removeEventListener('abort', start);
    },
  };
}
