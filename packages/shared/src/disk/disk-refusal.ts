/**
 * What a person can do when the file system refuses: no right, no room, read-only, something in the way. Node says `EACCES`
 * and a stack; a command says which path, what is wrong and what to do, and ends as after any other mistake in its input.
 */
import { TrainingError } from '../errors.js';

interface Refusal {
  readonly fault: string;
  readonly advice: string;
}

const RIGHTS = 'give this user the right to write there, or choose another place';
const ROOM = 'free some space, or choose another place';

const REFUSALS: Readonly<Record<string, Refusal>> = {
  EACCES: { fault: 'permission denied', advice: RIGHTS },
  EPERM: { fault: 'the system does not allow it', advice: RIGHTS },
  EROFS: { fault: 'the file system is read-only', advice: 'choose another place' },
  ENOSPC: { fault: 'the disk is full', advice: ROOM },
  EDQUOT: { fault: "this user's share of the disk is used up", advice: ROOM },
  EFBIG: { fault: 'the file would be larger than is allowed', advice: 'raise the limit (`ulimit -f`)' },
  ENOTDIR: { fault: 'a part of the path is a file', advice: 'choose another place' },
  EISDIR: { fault: 'it is a folder', advice: 'choose another place' },
  ENAMETOOLONG: { fault: 'the name is too long', advice: 'choose a shorter one' },
  ELOOP: { fault: 'its links lead in a circle', advice: 'choose another place' },
};

/** What a system call does, for people. */
const ACTS: Readonly<Record<string, string>> = {
  mkdir: 'make the folder',
  stat: 'look at',
  scandir: 'list the folder',
  rename: 'rename',
  unlink: 'remove',
  rm: 'remove',
  rmdir: 'remove',
  write: 'write',
  fsync: 'write',
  fdatasync: 'write',
  copyfile: 'copy',
  link: 'link',
};

/**
 * The refusal of a file system as an error for people; undefined for any other error.
 *
 * @param advice instead of the general one, where the caller knows what decides the place
 */
export function diskRefusal(caught: unknown, advice?: string): TrainingError | undefined {
  if (!(caught instanceof Error) || caught instanceof TrainingError) return undefined;
  const { code = '', syscall = '', path } = caught as NodeJS.ErrnoException;
  const refusal = REFUSALS[code];
  if (refusal === undefined) return undefined;
  const what = path === undefined ? 'a file' : path;
  const message = `cannot ${ACTS[syscall] ?? 'open'} ${what}: ${refusal.fault} (${code}); ${advice ?? refusal.advice}`;
  return new TrainingError('DISK_REFUSED', message, { cause: caught });
}
