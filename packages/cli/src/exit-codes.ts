/**
 * The exit codes of `facet`. Scripts rely on them to tell bad input, a failure and a stopped run apart.
 */
import type { TrainingError } from '@facet/shared';

export const EXIT = {
  ok: 0,
  failed: 1,
  /** The person who typed the command can mend it. */
  usage: 2,
  /** Stopped by a signal, with a checkpoint. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The exit code of an error. */
export function exitCodeOf(error: TrainingError): ExitCode {
  return error.isUsage ? EXIT.usage : EXIT.failed;
}
