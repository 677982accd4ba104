/**
 * What went wrong as one message: its code, what happened, what to do. Something that nobody foresaw keeps its stack for
 * whoever looks for the fault, and does not show it to whoever only met it.
 */
import { diskRefusal, memoryRefusal, TrainingError } from '@facet/shared';

export interface Failure {
  readonly error: TrainingError;
  /** For people. */
  readonly lines: readonly string[];
}

/** What can be done where the system has no more of something; a disk's and the engine's own refusals are told by diskRefusal and memoryRefusal. */
const ADVICE: Readonly<Record<string, string>> = {
  EMFILE: 'this process may not open more files: raise the limit (`ulimit -n 4096`), or take fewer workers',
  ENFILE: 'this machine may not open more files: end something, or raise its limit (fs.file-max)',
  EAGAIN: 'this user may not start more processes or threads: raise the limit (`ulimit -u`), or take fewer workers',
  ENOENT: 'it is not there, or was removed meanwhile',
  ENOMEM: 'there is not enough memory: take fewer workers or threads, or raise the limit (`ulimit -v`)',
};

/** A failure as it is told. */
export function describeFailure(caught: unknown, { isDebugging }: { readonly isDebugging: boolean }): Failure {
  const foreseen = caught instanceof TrainingError ? caught : (diskRefusal(caught) ?? memoryRefusal(caught));
  const error = foreseen ?? TrainingError.from(caught);
  const first = `error [${error.code}]: ${error.message}`;
  const advice = systemAdvice(caught);
  const known = advice === undefined ? first : `${first}; ${advice}`;
  if (isDebugging) return { error, lines: [known, stackOf(caught)] };
  if (foreseen !== undefined || advice !== undefined) return { error, lines: [known] };
  const report =
    'this is a fault in Facet; please report it, with the command and what FACET_LOG_LEVEL=debug adds to this';
  return { error, lines: [first, report] };
}

/** What to do about the error of the system that is behind a failure. */
function systemAdvice(caught: unknown): string | undefined {
  for (let at = caught; at instanceof Error; at = at.cause) {
    const { code, syscall } = at as NodeJS.ErrnoException;
    // Whoever wrote the message of a TrainingError has said what to do, but not about the limits of a process.
    const isLimit = code === 'EMFILE' || code === 'ENFILE';
    if (code !== undefined && syscall !== undefined && (isLimit || at === caught)) return ADVICE[code];
  }
  return undefined;
}

function stackOf(caught: unknown): string {
  if (!(caught instanceof Error)) return String(caught);
  const cause = caught.cause === undefined ? '' : `\ncaused by ${stackOf(caught.cause)}`;
  return `${caught.stack ?? caught.message}${cause}`;
}
