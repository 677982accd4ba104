/**
 * The memory of a worker's engine over many micro-batches, in a process of its own: the resident set in MB after some of
 * them, when everything has been allocated once, and at the end.
 */
import type { PresetName } from '@facet/multiview/config';
import { servePeer } from '../process/serve-peer.js';
import { openPresetCompute } from './preset-programs.js';

export interface MemoryQuestion {
  readonly preset: PresetName;
  readonly microBatches: number;
  /** Micro-batches until everything has been allocated. */
  readonly after: number;
}

export interface MemoryAnswer {
  readonly settledMB: number;
  readonly endMB: number;
}

const residentMB = (): number => process.memoryUsage.rss() / 1e6;

await servePeer<MemoryQuestion>(async ({ preset, microBatches, after }): Promise<MemoryAnswer> => {
  const compute = await openPresetCompute(preset);
  let settledMB = residentMB();
  for (let i = 1; i <= microBatches; i++) {
    await compute.run();
    if (i === after) settledMB = residentMB();
  }
  const endMB = residentMB();
  await compute.close();
  return { settledMB, endMB };
});
