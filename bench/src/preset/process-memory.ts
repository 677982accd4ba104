/** How much memory the processes of a run took, and whether it grew once everything had been allocated. */
import { median } from '../figures.js';

export interface MemorySamples {
  readonly role: string;
  /** Resident set, in the order in which it was read. At least one. */
  readonly megabytes: readonly number[];
}

/** Of all processes of a role the largest peak and the largest growth. */
export function memoryOf(
  processes: readonly MemorySamples[],
  role: string,
): { readonly peakMB: number; readonly growthMB: number } {
  const all = processes.filter((process) => process.role === role).map(({ megabytes }) => megabytes);
  if (all.length === 0) throw new Error(`no ${role} was seen while the run lasted; it was too short to be scraped`);
  return { peakMB: Math.round(Math.max(...all.flat())), growthMB: Math.round(Math.max(...all.map(growthOf))) };
}

/** Between the first and the last tenth of the second half: after everything has been allocated once. */
function growthOf(megabytes: readonly number[]): number {
  const half = megabytes.slice(Math.floor(megabytes.length / 2));
  const tenth = Math.max(1, Math.floor(half.length / 5));
  return median(half.slice(-tenth)) - median(half.slice(0, tenth));
}
