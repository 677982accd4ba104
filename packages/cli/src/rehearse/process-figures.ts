/** What another process of this machine has used so far, from /proc. Where the system has none, nothing is known. */
import { readFile } from 'node:fs/promises';

export interface ProcessFigures {
  readonly cpuSeconds: number;
  readonly residentMB: number;
  readonly peakMB: number;
}

/** Ticks per second in /proc, on every Linux that Node runs on (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;
/** Behind the name, which may hold anything, come the state and then numbers: these are user and system time. */
const USER_TICKS = 11;
const SYSTEM_TICKS = 12;

/** Undefined for a process that is gone, or without /proc. */
export async function readProcessFigures(pid: number | undefined): Promise<ProcessFigures | undefined> {
  try {
    const [stat, status] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/status`, 'utf8'),
    ]);
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[USER_TICKS]) + Number(fields[SYSTEM_TICKS]);
    const megabytes = (name: string): number =>
      (Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1_024) / 1e6;
    return { cpuSeconds: ticks / TICKS_PER_SECOND, residentMB: megabytes('VmRSS'), peakMB: megabytes('VmHWM') };
  } catch {
    return undefined;
  }
}
