/**
 * Tells whether a process that once wrote down its id still lives. The id alone is not enough: a killed process stays in the
 * table until its parent collects it, ids are used again, and containers count them anew, even those of one host name. Linux
 * gives state, start time and the container's space of ids in /proc; elsewhere only the id is known.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in clock ticks since boot; absent where the system does not say. */
  readonly startTicks?: number;
  /** The boot and the namespace in which the id was given; absent where the system does not say. */
  readonly pidSpace?: string;
}

/** A process of any machine. */
export interface PlacedProcess extends ProcessIdentity {
  readonly host: string;
}

/** The identity of this process. */
export function ownIdentity(): ProcessIdentity {
  const stat = readStat(process.pid);
  const pidSpace = ownPidSpace();
  return {
    pid: process.pid,
    ...(stat !== undefined && { startTicks: stat.startTicks }),
    ...(pidSpace !== undefined && { pidSpace }),
  };
}

/** What can be known here of a process; nothing of one on another machine or in another container. */
export function fateOf(process: PlacedProcess): 'alive' | 'dead' | 'unknown' {
  if (process.host !== hostname()) return 'unknown';
  const own = ownPidSpace();
  if (own !== undefined && process.pidSpace !== undefined && process.pidSpace !== own) return 'unknown';
  return isProcessAlive(process) ? 'alive' : 'dead';
}

let space: { readonly id: string | undefined } | undefined;

function ownPidSpace(): string | undefined {
  space ??= { id: readPidSpace() };
  return space.id;
}

function readPidSpace(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
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
