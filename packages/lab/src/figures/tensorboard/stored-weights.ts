/** The weights of a checkpoint as histograms, one for each parameter. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { decodeSafetensors } from '@facet/shared';
import { stepName } from '@facet/storage';
import { histogramOf, type Histogram } from './histogram.js';

/** All of the file is in memory. */
const MOST_BYTES = 256 * 1024 * 1024;
const LENGTH_BYTES = 8;

/**
 * The histograms of a checkpoint that is kept. Only weights that are those of the record count.
 *
 * @param folder of the checkpoints of the run
 * @returns undefined when there is no such checkpoint any more, or it is larger than 256 MiB, or it is damaged
 */
export function storedHistograms(
  folder: string,
  { step, weightsSha256 }: { readonly step: number; readonly weightsSha256: string },
): ReadonlyMap<string, Histogram> | undefined {
  const file = path.join(folder, stepName(step), 'model.safetensors');
  try {
    if (statSync(file).size > MOST_BYTES) return undefined;
    const bytes = readFileSync(file);
    if (sha256OfValues(bytes) !== weightsSha256) return undefined;
    const histograms = new Map<string, Histogram>();
    for (const [name, { values }] of decodeSafetensors(bytes).tensors) {
      const histogram = values instanceof Float32Array ? histogramOf(values) : undefined;
      if (histogram !== undefined) histograms.set(name, histogram);
    }
    return histograms;
  } catch {
    // Pruned meanwhile, or no such file: the ledger says more checkpoints than are kept.
    return undefined;
  }
}

/** The values are stored in the order of the flat weights, without a hole. */
function sha256OfValues(bytes: Buffer): string {
  const header = bytes.byteLength < LENGTH_BYTES ? 0n : bytes.readBigUInt64LE();
  return createHash('sha256')
    .update(bytes.subarray(LENGTH_BYTES + Number(header)))
    .digest('hex');
}
