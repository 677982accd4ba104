/**
 * Tells whether a process that once wrote down its id still lives. The id alone is not enough: a killed process stays in the
 * table until its parent collects it, and ids are used again. Linux gives state and start time in /proc; elsewhere only the
 * id is known.
 */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in clock ticks since boot; absent where the system does not say. */
  readonly startTicks?: number;
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  const stat = readStat(process.pid);
  return stat === undefined ? { pid: process.pid } : { pid: process.pid, startTicks: stat.startTicks };
}

/** True when the process lives and is the one that was written down. */
export function isProcessAlive({ pid, startTicks }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  if (stat !== undefined) {
    const isEnded = stat.state === 'Z' || stat.state === 'X';
    return !isEnded && (startTicks === undefined || startTicks === stat.startTicks);
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (caught) {
    return (caught as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** State and start time from /proc; undefined when there is no such process or no /proc. */
function readStat(pid: number): { readonly state: string; readonly startTicks: number } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // pid (name) state ppid ...: the name may hold spaces and brackets, so the fields are counted from its end (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0]!, startTicks: Number(fields[19]) };
}
