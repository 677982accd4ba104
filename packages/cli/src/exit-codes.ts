/**
 * The exit codes of `facet`. Scripts and schedulers rely on them: they say whether it makes sense to start the same command
 * again.
 */
import type { ErrorCode, TrainingError } from '@facet/shared';

export const EXIT = {
  ok: 0,
  failed: 1,
  /** The person who typed the command can mend it. */
  usage: 2,
  /** To be continued: the same command may go on later (EX_TEMPFAIL of sysexits.h). SIGTERM ends with it. */
  again: 75,
  /** Stopped by a person: Ctrl-C, `facet stop`, `facet drain`. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What may be over by itself: somebody else has to come up, or to end. */
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'BROKER_UNREACHABLE',
  'COORDINATOR_UNREACHABLE',
  'STORE_UNREACHABLE',
  'RUN_LOCKED',
]);

/** The exit code of an error. */
export function exitCodeOf(error: TrainingError): ExitCode {
  if (PASSING.has(error.code)) return EXIT.again;
  return error.isUsage ? EXIT.usage : EXIT.failed;
}
